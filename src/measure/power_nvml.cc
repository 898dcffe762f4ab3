// Cards as power sensors, through their management libraries: one child process a library, whose answers are
// shared by the sensors of its devices. A library that hangs costs a read its limit, and is lost after a
// while.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "measure/power_kinds.h"

namespace assay {
namespace {

constexpr Nanos kCardPatience = nanos_from_ms(80);

// The child of several sensors: asked once for all sensors that are read at one instant.
class SharedChild {
 public:
  explicit SharedChild(ManagementChild child) : child_(std::move(child)) {}

  bool is_lost() const { return is_lost_; }
  const ManagementLibrary& library() const { return child_.library(); }

  // What the library told at this instant. The pointer holds until the next call.
  Result<const ManagementReading*> at(Nanos now) {
    if (!asked_at_ || now != *asked_at_) read(now);
    if (!reading_) return std::unexpected(reading_.error());
    return &*reading_;
  }

 private:
  void read(Nanos now) {
    asked_at_ = now;
    if (is_lost_) return;
    if (!silent_since_) {
      child_.ask_power();
      silent_since_ = now;
    }
    SystemClock clock;
    await_answers({&child_, 1}, clock.now() + kCardPatience, {});
    std::optional<Result<ManagementReading>> answer = child_.take_answer();
    if (!answer && now - *silent_since_ > kManagementPatience) {
      child_.give_up(
          fmt::format("it gave no answer within {}", format_duration(seconds(kManagementPatience))));
      answer = child_.take_answer();
    }
    if (!answer) {
      reading_ = fail("the library has not answered yet", library().path);
      return;
    }
    silent_since_.reset();
    is_lost_ = !answer->has_value();
    reading_ = std::move(*answer);
  }

  ManagementChild child_;
  std::optional<Nanos> asked_at_, silent_since_;  // since when a question is open
  bool is_lost_ = false;
  Result<ManagementReading> reading_ = fail("not asked yet");
};

class CardSource final : public PowerSource {
 public:
  // The child is shared with the sensors of the library's other devices: it ends with the last of them.
  CardSource(PowerSensor sensor, std::shared_ptr<SharedChild> child, size_t device)
      : PowerSource(std::move(sensor)), child_(std::move(child)), device_(device) {}

  bool is_lost() const override { return child_->is_lost(); }

  Result<double> energy_j(Nanos now) override {
    ASSIGN_OR_RETURN(const ManagementReading* const reading, child_->at(now));
    if (device_ >= reading->devices.size()) return fail("the device is no longer there", sensor().file);
    const ManagementDevice& device = reading->devices[device_];
    const std::optional<double> value = sensor().counts_energy ? device.energy_j : device.power_w;
    if (!value) return fail("the library tells no power of this device", sensor().file);
    if (last_ && sensor().counts_energy && *value < *last_) {
      last_ = value;
      return fail("the energy counter went back", sensor().file);
    }
    if (last_)
      sum_j_ += sensor().counts_energy ? *value - *last_ : (*value + *last_) / 2 * seconds(now - last_at_);
    last_ = value;
    last_at_ = now;
    return sum_j_;
  }

 private:
  std::shared_ptr<SharedChild> child_;
  const size_t device_;
  std::optional<double> last_;
  Nanos last_at_{};
  double sum_j_ = 0;
};

std::string device_words(const ManagementDevice& device, size_t index) {
  return device.pci_address.empty() ? fmt::format("device {}", index) : device.pci_address;
}

void add_devices(ManagementChild child, const ManagementReading& first, PowerSources& found) {
  const ManagementLibrary library = child.library();
  const auto shared = std::make_shared<SharedChild>(std::move(child));
  for (size_t i = 0; i < first.devices.size(); ++i) {
    const ManagementDevice& device = first.devices[i];
    if (!device.power_w && !device.energy_j) continue;
    const std::string name = fmt::format("{}/{}", library.name, device_words(device, i));
    PowerSensor sensor{.kind = "nvml",
                       .name = name,
                       .domain = fmt::format("{} at {}", device.name.empty() ? "card" : device.name,
                                             device_words(device, i)),
                       .file = library.path,
                       .resolution = 1e-3,
                       .counts_energy = device.energy_j.has_value(),
                       .group = library.has_one_device_a_card ? library.path : name};
    found.sources.push_back(std::make_unique<CardSource>(std::move(sensor), shared, i));
  }
}

}  // namespace

PowerSources find_nvml(const PowerPlaces& places) {
  PowerSources found;
  if (places.management.command.empty()) return found;
  std::vector<ManagementChild> children;
  for (const ManagementLibrary& library : places.libraries) {
    Result<ManagementChild> child = ManagementChild::start(places.management, library);
    if (child)
      children.push_back(std::move(*child));
    else
      found.unreadable.push_back(child.error());
  }
  SystemClock clock;
  await_answers(children, clock.now() + kManagementPatience, {});
  for (ManagementChild& child : children) {
    const std::optional<Result<ManagementReading>> answer = child.take_answer();
    if (answer && *answer)
      add_devices(std::move(child), **answer, found);
    else
      found.unreadable.push_back(
          {answer ? answer->error().what
                  : fmt::format("it gave no answer within {}", format_duration(seconds(kManagementPatience))),
           child.library().path, "`assay probe --run-vendor-code` shows what it does."});
  }
  return found;
}

}  // namespace assay
