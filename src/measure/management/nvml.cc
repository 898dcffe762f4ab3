// Calls by name into a library; see nvml.h. Structs are laid out by NVML's reference, with room behind them
// for a library that writes more than it says.
#include "measure/management/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "measure/management/reading.h"

namespace assay {
namespace {

using Device = void*;
constexpr int kSuccess = 0;  // NVML_SUCCESS
constexpr unsigned kTemperatureGpu = 0, kClockSm = 1, kClockMemory = 2;
constexpr unsigned kCorrected = 0, kUncorrected = 1,
                   kVolatile = 0;  // nvmlMemoryErrorType_t, nvmlEccCounterType_t
constexpr unsigned kPeerRead = 0;  // NVML_P2P_CAPS_INDEX_READ
constexpr size_t kMostPeers = 16;  // devices of which every pair is asked

struct PciInfo {  // nvmlPciInfo_t; versions differ behind `pci_subsystem_id` only
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char room[236];
};

struct Memory {  // nvmlMemory_t, version 1
  unsigned long long total, free, used;
  unsigned long long room[8];
};

struct Utilization {  // nvmlUtilization_t
  unsigned gpu, memory;
  unsigned room[14];
};

// nvmlReturn_t in words.
const char* words_of(int code) {
  switch (code) {
    case 1:
      return "not initialised";
    case 2:
      return "invalid argument";
    case 3:
      return "not supported";
    case 4:
      return "no permission";
    case 6:
      return "not found";
    case 8:
      return "insufficient power";
    case 9:
      return "driver not loaded";
    case 10:
      return "timeout";
    case 12:
      return "shared library not found";
    case 13:
      return "function not found";
    case 15:
      return "GPU is lost";
    case 17:
      return "operating system refuses";
    case 18:
      return "library and driver do not fit each other";
    case 999:
      return "unknown error";
    default:
      return "an error that NVML's reference may name";
  }
}

std::string text_of(const char* buffer, size_t size) {
  return std::string(buffer, ::strnlen(buffer, size));
}

template <typename... Arguments>
int call(void* function, Arguments... arguments) {
  return reinterpret_cast<int (*)(Arguments...)>(function)(arguments...);
}

// One value of a device by a function (device, value*), where there is such a function and it succeeds.
template <typename Value>
std::optional<Value> value_of(void* function, Device device) {
  Value value{};
  if (function == nullptr || call(function, device, &value) != kSuccess) return std::nullopt;
  return value;
}

std::optional<unsigned> clock_of(void* function, Device device, unsigned kind) {
  unsigned mhz = 0;
  if (function == nullptr || call(function, device, kind, &mhz) != kSuccess) return std::nullopt;
  return mhz;
}

std::optional<unsigned long long> ecc_errors(void* function, Device device, unsigned kind) {
  unsigned long long count = 0;
  if (function == nullptr || call(function, device, kind, kVolatile, &count) != kSuccess) return std::nullopt;
  return count;
}

std::string device_text(void* function, Device device) {
  char buffer[256] = "";
  if (function == nullptr || call(function, device, &buffer[0], 96U) != kSuccess) return "";
  return valid_utf8(text_of(buffer, sizeof buffer));
}

std::string system_text(void* function) {
  char buffer[256] = "";
  if (function == nullptr || call(function, &buffer[0], 80U) != kSuccess) return "";
  return valid_utf8(text_of(buffer, sizeof buffer));
}

// An unsigned count that int64 cannot hold is no count.
void set_count(Json& json, const char* key, std::optional<unsigned long long> value) {
  if (value && *value <= INT64_MAX) json.set(key, static_cast<int64_t>(*value));
}

}  // namespace

void* NvmlLibrary::function(std::initializer_list<const char*> names) const {
  for (const char* name : names) {
    if (void* found = ::dlsym(handle_, name)) return found;
  }
  return nullptr;
}

std::string NvmlLibrary::result_words(int code) const {
  return fmt::format("{} ({})", code, words_of(code));
}

Result<NvmlLibrary> NvmlLibrary::open(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* words = ::dlerror();
    return fail("it cannot be loaded: " + printable(words != nullptr ? words : "no reason given", 300));
  }
  NvmlLibrary library(handle);
  RETURN_IF_ERROR(library.begin());
  return library;
}

Result<void> NvmlLibrary::begin() {
  void* init = function({"nvmlInit_v2", "nvmlInit"});
  void* count_devices = function({"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  void* device_at = function({"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  if (init == nullptr || count_devices == nullptr || device_at == nullptr)
    return fail(
        "it lacks nvmlInit, nvmlDeviceGetCount or nvmlDeviceGetHandleByIndex: it is no library of this kind");
  if (const int code = call(init); code != kSuccess) return fail("nvmlInit returned " + result_words(code));
  unsigned count = 0;
  if (const int code = call(count_devices, &count); code != kSuccess)
    return fail("nvmlDeviceGetCount returned " + result_words(code));
  if (count > kMostManagementDevices) return fail(fmt::format("it counts {} devices", count));
  for (unsigned i = 0; i < count; ++i) {
    Device device = nullptr;
    // A device that is lost keeps its place, so that the others keep theirs.
    if (call(device_at, i, &device) != kSuccess) device = nullptr;
    devices_.push_back(device);
  }
  return {};
}

Json NvmlLibrary::read_power() const {
  void* power = function({"nvmlDeviceGetPowerUsage"});
  void* energy = function({"nvmlDeviceGetTotalEnergyConsumption"});
  Json list = Json::array();
  for (const Device device : devices_) {
    Json json = Json::object();
    if (device != nullptr) {
      if (const auto mw = value_of<unsigned>(power, device)) json.set("power_w", *mw * 1e-3);
      if (const auto mj = value_of<unsigned long long>(energy, device))
        json.set("energy_j", static_cast<double>(*mj) * 1e-3);
    }
    list.push(std::move(json));
  }
  return Json::object().set("devices", std::move(list));
}

Json NvmlLibrary::read_all() const {
  Json answer = read_power();
  Json::Array devices = answer["devices"].items();
  const auto set_milli = [](Json& json, const char* key, std::optional<unsigned> value) {
    if (value) json.set(key, *value * 1e-3);
  };
  for (size_t i = 0; i < devices_.size(); ++i) {
    const Device device = devices_[i];
    Json& json = devices[i];
    if (device == nullptr) continue;
    json.set("name", device_text(function({"nvmlDeviceGetName"}), device));
    json.set("uuid", device_text(function({"nvmlDeviceGetUUID"}), device));
    void* pci = function({"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"});
    if (const auto at = value_of<PciInfo>(pci, device); at && at->bus <= 0xff && at->device <= 0x1f)
      json.set("pci_address", fmt::format("{:04x}:{:02x}:{:02x}.0", at->domain, at->bus, at->device));
    if (const auto memory = value_of<Memory>(function({"nvmlDeviceGetMemoryInfo"}), device)) {
      set_count(json, "memory_bytes", memory->total);
      set_count(json, "memory_used_bytes", memory->used);
    }
    set_milli(
        json, "power_limit_w",
        value_of<unsigned>(function({"nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit"}),
                           device));
    if (const auto c = clock_of(function({"nvmlDeviceGetTemperature"}), device, kTemperatureGpu))
      json.set("temperature_c", static_cast<int64_t>(*c));
    void* clocks = function({"nvmlDeviceGetClockInfo"});
    if (const auto mhz = clock_of(clocks, device, kClockSm)) json.set("sm_clock_mhz", int64_t{*mhz});
    if (const auto mhz = clock_of(clocks, device, kClockMemory)) json.set("memory_clock_mhz", int64_t{*mhz});
    unsigned now = 0, pending = 0;
    if (void* ecc = function({"nvmlDeviceGetEccMode"}); ecc && call(ecc, device, &now, &pending) == kSuccess)
      json.set("is_ecc_on", now == 1);
    void* errors = function({"nvmlDeviceGetTotalEccErrors"});
    set_count(json, "ecc_corrected", ecc_errors(errors, device, kCorrected));
    set_count(json, "ecc_uncorrected", ecc_errors(errors, device, kUncorrected));
    void* reasons =
        function({"nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetCurrentClocksEventReasons"});
    set_count(json, "throttle_bits", value_of<unsigned long long>(reasons, device));
    if (const auto busy = value_of<Utilization>(function({"nvmlDeviceGetUtilizationRates"}), device))
      json.set("utilisation_percent", int64_t{busy->gpu});
  }
  answer.set("devices", std::move(devices));
  answer.set("driver_version", system_text(function({"nvmlSystemGetDriverVersion"})));
  answer.set("library_version", system_text(function({"nvmlSystemGetNVMLVersion"})));
  void* peer = function({"nvmlDeviceGetP2PStatus"});
  Json peers = Json::array();
  for (size_t i = 0; peer != nullptr && i < std::min(devices_.size(), kMostPeers); ++i) {
    for (size_t j = 0; j < std::min(devices_.size(), kMostPeers); ++j) {
      unsigned status = 0;
      if (i == j || devices_[i] == nullptr || devices_[j] == nullptr) continue;
      if (call(peer, devices_[i], devices_[j], kPeerRead, &status) != kSuccess) continue;
      peers.push(Json(Json::Array{static_cast<int64_t>(i), static_cast<int64_t>(j), status == 0}));
    }
  }
  return answer.set("peers", std::move(peers));
}

}  // namespace assay
