// IPMI messages and the wattmeter made of their answers; see power_ipmi.h.
#include "measure/power_ipmi.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ipmi.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "measure/power_kinds.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr uint8_t kDcmiFunction = 0x2c, kGetPowerReading = 0x02, kDcmiGroup = 0xdc, kSystemPower = 0x01;
constexpr size_t kReadingBytes = 19;  // with completion code and group
constexpr uint8_t kIsMeasuring = 0x40;
constexpr Nanos kFirstPatience = nanos_from_ms(500), kIpmiPatience = nanos_from_ms(80);
constexpr Nanos kSilence = nanos_from_seconds(5);

class IpmiDevice final : public IpmiChannel {
 public:
  IpmiDevice(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<void> send(uint8_t function, uint8_t command, const std::vector<uint8_t>& data) override {
    std::vector<uint8_t> bytes = data;
    ipmi_system_interface_addr address{};
    address.addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE;
    address.channel = IPMI_BMC_CHANNEL;
    ipmi_req request{};
    request.addr = reinterpret_cast<unsigned char*>(&address);
    request.addr_len = sizeof address;
    request.msgid = ++sent_;
    request.msg.netfn = function;
    request.msg.cmd = command;
    request.msg.data = bytes.data();
    request.msg.data_len = static_cast<unsigned short>(bytes.size());
    if (::ioctl(fd_.get(), IPMICTL_SEND_COMMAND, &request) != 0)
      return fail("cannot ask the management controller: " + errno_text(errno), path_);
    return {};
  }

  Result<std::optional<std::vector<uint8_t>>> receive(Nanos patience) override {
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(patience.count / 1'000'000)) <= 0) return std::nullopt;
    std::vector<uint8_t> data(256);
    ipmi_addr address{};
    ipmi_recv message{};
    message.addr = reinterpret_cast<unsigned char*>(&address);
    message.addr_len = sizeof address;
    message.msg.data = data.data();
    message.msg.data_len = static_cast<unsigned short>(data.size());
    if (::ioctl(fd_.get(), IPMICTL_RECEIVE_MSG_TRUNC, &message) != 0) {
      if (errno == EAGAIN || errno == EINTR) return std::nullopt;
      return fail("cannot read the management controller's answer: " + errno_text(errno), path_);
    }
    // An answer that was given up, or an event, is none.
    if (message.msgid != sent_) return std::nullopt;
    data.resize(std::min<size_t>(message.msg.data_len, data.size()));
    return data;
  }

 private:
  FileDescriptor fd_;
  std::string path_;
  long sent_ = 0;
};

Result<void> ask(IpmiChannel& channel) {
  return channel.send(kDcmiFunction, kGetPowerReading, {kDcmiGroup, kSystemPower, 0, 0});
}

class IpmiSource final : public PowerSource {
 public:
  IpmiSource(PowerSensor sensor, std::unique_ptr<IpmiChannel> channel)
      : PowerSource(std::move(sensor)), channel_(std::move(channel)) {}

  bool is_lost() const override { return is_lost_; }

  Result<double> energy_j(Nanos now) override {
    Result<double> power = read(now);
    if (!power) return power;
    if (last_w_) sum_j_ += (*last_w_ + *power) / 2 * seconds(now - last_at_);
    last_w_ = *power;
    last_at_ = now;
    return sum_j_;
  }

 private:
  Result<double> read(Nanos now) {
    if (is_lost_) return fail("the management controller no longer answers", sensor().file);
    if (!asked_at_) {
      RETURN_IF_ERROR(ask(*channel_));
      asked_at_ = now;
    }
    ASSIGN_OR_RETURN(const std::optional<std::vector<uint8_t>> answer, channel_->receive(kIpmiPatience));
    if (answer) {
      asked_at_.reset();
      return parse_power_reading(*answer);
    }
    is_lost_ = now - *asked_at_ > kSilence;
    return fail("the management controller has not answered yet", sensor().file);
  }

  std::unique_ptr<IpmiChannel> channel_;
  std::optional<Nanos> asked_at_;  // of a question that is open
  bool is_lost_ = false;
  std::optional<double> last_w_;
  Nanos last_at_{};
  double sum_j_ = 0;
};

}  // namespace

Result<std::unique_ptr<IpmiChannel>> open_ipmi_device(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid())
    return fail("cannot open: " + errno_text(errno), path,
                fmt::format("Run assay as root, or let it use the device: chmod a+rw {}", path));
  return std::make_unique<IpmiDevice>(std::move(fd), path);
}

Result<double> parse_power_reading(const std::vector<uint8_t>& answer) {
  if (answer.empty()) return fail("the management controller answered nothing");
  if (answer[0] != 0)
    return fail(
        fmt::format("the management controller refuses to tell its power (completion code 0x{:02x}{})",
                    answer[0], answer[0] == 0xc1 ? ": it does not know DCMI" : ""));
  if (answer.size() < kReadingBytes || answer[1] != kDcmiGroup)
    return fail("what the management controller answered is no power reading");
  if ((answer[18] & kIsMeasuring) == 0) return fail("the management controller does not measure power");
  return answer[2] | answer[3] << 8;
}

Result<std::unique_ptr<PowerSource>> open_ipmi_source(std::unique_ptr<IpmiChannel> channel,
                                                      const std::string& path) {
  RETURN_IF_ERROR(ask(*channel));
  ASSIGN_OR_RETURN(const std::optional<std::vector<uint8_t>> answer, channel->receive(kFirstPatience));
  if (!answer) return fail("the management controller did not answer within half a second", path);
  RETURN_IF_ERROR(parse_power_reading(*answer));
  PowerSensor sensor{.kind = "ipmi",
                     .name = "dcmi",
                     .domain = "whole machine",
                     .file = path,
                     .resolution = 1,
                     .counts_energy = false,
                     .group = "ipmi"};
  return std::make_unique<IpmiSource>(std::move(sensor), std::move(channel));
}

PowerSources find_ipmi(const PowerPlaces& places) {
  PowerSources found;
  if (places.ipmi_device.empty() || !file_exists(places.ipmi_device)) return found;
  Result<std::unique_ptr<IpmiChannel>> channel = open_ipmi_device(places.ipmi_device);
  if (!channel) {
    found.unreadable.push_back(channel.error());
    return found;
  }
  Result<std::unique_ptr<PowerSource>> source = open_ipmi_source(std::move(*channel), places.ipmi_device);
  if (source)
    found.sources.push_back(std::move(*source));
  else
    found.unreadable.push_back({source.error().what, places.ipmi_device});
  return found;
}

}  // namespace assay
