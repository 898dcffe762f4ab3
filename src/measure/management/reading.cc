// Checked readings out of a child's line; see reading.h.
#include "measure/management/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

constexpr size_t kMostText = 120;
constexpr size_t kMostErrorText = 300;
constexpr size_t kMostOdd = 20;

// Takes the members of one device.
class DeviceReader {
 public:
  DeviceReader(const Json& json, size_t index, std::vector<std::string>& odd)
      : json_(json), index_(index), odd_(odd) {}

  ManagementDevice read() {
    ManagementDevice device;
    device.name = text("name");
    device.uuid = text("uuid");
    device.pci_address = text("pci_address");
    device.memory_bytes = whole("memory_bytes", 1, int64_t{1} << 50, "bytes of memory");
    device.memory_used_bytes =
        whole("memory_used_bytes", 0, device.memory_bytes.value_or(int64_t{1} << 50), "bytes of memory used");
    device.power_w = number("power_w", 0, 10'000, "W");
    device.power_limit_w = number("power_limit_w", 0, 10'000, "W as a limit");
    device.energy_j = number("energy_j", 0, 1e13, "J");
    device.temperature_c = number("temperature_c", -100, 250, "°C");
    device.sm_clock_mhz = number("sm_clock_mhz", 0, 20'000, "MHz");
    device.memory_clock_mhz = number("memory_clock_mhz", 0, 100'000, "MHz of memory");
    if (const Json& ecc = json_["is_ecc_on"]; ecc.is_bool()) device.is_ecc_on = ecc.as_bool();
    device.ecc_corrected = whole("ecc_corrected", 0, INT64_MAX, "corrected errors");
    device.ecc_uncorrected = whole("ecc_uncorrected", 0, INT64_MAX, "uncorrected errors");
    if (const Json& bits = json_["throttle_bits"]; bits.is_integer())
      device.throttle_reasons = throttle_reasons(static_cast<uint64_t>(bits.as_integer()));
    device.utilisation_percent = number("utilisation_percent", 0, 100, "% busy");
    return device;
  }

 private:
  std::string text(const char* key) const { return printable(trim(json_[key].as_string()), kMostText); }

  std::optional<double> number(const char* key, double least, double most, const char* unit) {
    const Json* value = json_.find(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double number = value->as_number();
    if (number >= least && number <= most) return number;
    note(fmt::format("{:.7g}", number), unit);
    return std::nullopt;
  }

  std::optional<int64_t> whole(const char* key, int64_t least, int64_t most, const char* unit) {
    const Json* value = json_.find(key);
    if (value == nullptr || !value->is_integer()) return std::nullopt;
    const int64_t number = value->as_integer();
    if (number >= least && number <= most) return number;
    note(fmt::format("{}", number), unit);
    return std::nullopt;
  }

  void note(const std::string& value, const char* unit) {
    if (odd_.size() < kMostOdd) odd_.push_back(fmt::format("device {}: {} {}", index_, value, unit));
  }

  const Json& json_;
  const size_t index_;
  std::vector<std::string>& odd_;
};

void take_peers(const Json& json, ManagementReading& reading) {
  for (const Json& item : json.items()) {
    const Json::Array& parts = item.items();
    if (parts.size() != 3 || !parts[0].is_integer() || !parts[1].is_integer() || !parts[2].is_bool())
      continue;
    const int64_t from = parts[0].as_integer(), to = parts[1].as_integer();
    const auto devices = static_cast<int64_t>(reading.devices.size());
    if (from < 0 || to < 0 || from >= devices || to >= devices || from == to) continue;
    if (reading.peers.size() >= kMostManagementDevices * kMostManagementDevices) return;
    reading.peers.push_back({static_cast<size_t>(from), static_cast<size_t>(to), parts[2].as_bool()});
  }
}

template <typename Number>
void set_known(Json& json, const char* key, const std::optional<Number>& value) {
  if (value) json.set(key, *value);
}

void set_text(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json.set(key, text);
}

}  // namespace

Result<ManagementReading> parse_management_line(std::string_view line) {
  if (line.size() > kMostManagementLineBytes) return fail("its answer is longer than 256 KiB");
  const Result<Json> json = Json::parse(line, "answer");
  if (!json || !json->is_object())
    return fail("its answer is no JSON object: " + printable(line.substr(0, 100), 120));
  if (const Json* error = json->find("error"))
    return fail(error->as_string().empty() ? "it failed without a word"
                                           : printable(error->as_string(), kMostErrorText));
  const Json* devices = json->find("devices");
  const Json& sequence = (*json)["sequence"];
  if (devices == nullptr || !devices->is_array() || !sequence.is_integer() || sequence.as_integer() < 0)
    return fail("its answer lacks sequence and devices");
  if (devices->items().size() > kMostManagementDevices)
    return fail(
        fmt::format("it tells of {} devices, more than {}", devices->items().size(), kMostManagementDevices));
  ManagementReading reading;
  reading.sequence = static_cast<uint64_t>(sequence.as_integer());
  reading.driver_version = printable(trim((*json)["driver_version"].as_string()), kMostText);
  reading.library_version = printable(trim((*json)["library_version"].as_string()), kMostText);
  for (size_t i = 0; i < devices->items().size(); ++i)
    reading.devices.push_back(DeviceReader(devices->items()[i], i, reading.odd).read());
  take_peers((*json)["peers"], reading);
  return reading;
}

std::vector<std::string> throttle_reasons(uint64_t bits) {
  static constexpr std::pair<uint64_t, const char*> kReasons[] = {
      {0x002, "application clocks"}, {0x004, "sw power cap"},        {0x008, "hw slowdown"},
      {0x010, "sync boost"},         {0x020, "sw thermal slowdown"}, {0x040, "hw thermal slowdown"},
      {0x080, "hw power brake"},     {0x100, "display clock"}};
  std::vector<std::string> reasons;
  for (const auto& [bit, name] : kReasons) {
    if ((bits & bit) != 0) reasons.emplace_back(name);
  }
  constexpr uint64_t kKnown = 0x1ff;
  if ((bits & ~kKnown) != 0) reasons.push_back(fmt::format("unknown 0x{:x}", bits & ~kKnown));
  return reasons;
}

Json management_device_json(const ManagementDevice& device) {
  Json json = Json::object();
  set_text(json, "name", device.name);
  set_text(json, "uuid", device.uuid);
  set_text(json, "pci_address", device.pci_address);
  set_known(json, "memory_bytes", device.memory_bytes);
  set_known(json, "memory_used_bytes", device.memory_used_bytes);
  set_known(json, "power_w", device.power_w);
  set_known(json, "power_limit_w", device.power_limit_w);
  set_known(json, "temperature_c", device.temperature_c);
  set_known(json, "sm_clock_mhz", device.sm_clock_mhz);
  set_known(json, "memory_clock_mhz", device.memory_clock_mhz);
  if (device.is_ecc_on) json.set("ecc_mode", *device.is_ecc_on ? "on" : "off");
  set_known(json, "ecc_corrected", device.ecc_corrected);
  set_known(json, "ecc_uncorrected", device.ecc_uncorrected);
  if (device.throttle_reasons) {
    Json reasons = Json::array();
    for (const std::string& reason : *device.throttle_reasons) reasons.push(reason);
    json.set("throttle_reasons", std::move(reasons));
  }
  set_known(json, "utilisation_percent", device.utilisation_percent);
  return json;
}

}  // namespace assay
