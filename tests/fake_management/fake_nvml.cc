// A library with NVML's functions over two cards, written from its public reference. A file beside the
// library, with ".behaviour" at the end of its name, holds words for what it does wrong:
//   hang crash exit fork print odd refuse endless silent-later gone-later lost
// Built with FAKE_IS_CLONE it lacks much, and has the old names only.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace {

int cards[2];
int readings = 0;

bool misbehaves_by(const char* word) {
  Dl_info self{};
  static const int here = 0;
  if (::dladdr(&here, &self) == 0) return false;
  std::ifstream file(std::string(self.dli_fname) + ".behaviour");
  const std::string words((std::istreambuf_iterator<char>(file)), {});
  return (" " + words + " ").find(std::string(" ") + word + " ") != std::string::npos;
}

[[noreturn]] void hang() {
  while (true) ::pause();
}

void write_garbage() {
  std::printf("{\"sequence\":0,\"devices\":[{\"name\":\"a lie\"}]}\n");
  std::fflush(stdout);
  [[maybe_unused]] const ssize_t n = ::write(3, "garbage\n", 8);
}

int index_of(void* device) {
  return static_cast<int>(static_cast<int*>(device) - cards);
}

int begin() {
  if (misbehaves_by("hang")) hang();
  if (misbehaves_by("crash")) ::raise(SIGSEGV);
  if (misbehaves_by("exit")) std::exit(0);
  if (misbehaves_by("print")) write_garbage();
  if (misbehaves_by("fork") && ::fork() == 0) hang();
  while (misbehaves_by("endless")) write_garbage();
  return misbehaves_by("refuse") ? 9 : 0;
}

}  // namespace

extern "C" {

#ifdef FAKE_IS_CLONE
int nvmlInit() {
  return begin();
}
int nvmlDeviceGetCount(unsigned* count) {
  return *count = 2, 0;
}
int nvmlDeviceGetHandleByIndex(unsigned index, void** device) {
  return *device = &cards[index], 0;
}
#else
int nvmlInit_v2() {
  return begin();
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  return *count = 2, 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index == 1 && misbehaves_by("lost")) return 15;
  return *device = &cards[index], 0;
}
int nvmlSystemGetNVMLVersion(char* text, unsigned size) {
  return std::snprintf(text, size, "12.550.54.15"), 0;
}
int nvmlDeviceGetUUID(void* device, char* text, unsigned size) {
  return std::snprintf(text, size, "GPU-0000000%d", index_of(device)), 0;
}
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* mw) {
  return *mw = 400'000, 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void*, unsigned long long* mj) {
  return *mj = 1'000'000ULL + 100'000ULL * static_cast<unsigned>(readings), 0;
}
int nvmlDeviceGetClockInfo(void*, unsigned kind, unsigned* mhz) {
  return *mhz = kind == 1 ? 1410 : 1215, 0;
}
int nvmlDeviceGetEccMode(void*, unsigned* now, unsigned* pending) {
  return *now = *pending = 1, 0;
}
int nvmlDeviceGetTotalEccErrors(void*, unsigned kind, unsigned, unsigned long long* count) {
  return *count = kind == 0 ? 3 : 0, 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* bits) {
  return *bits = index_of(device) == 0 ? 0x1 : 0x4, 0;
}
struct Utilization {
  unsigned gpu, memory;
};
int nvmlDeviceGetUtilizationRates(void*, Utilization* busy) {
  return *busy = {7, 3}, 0;
}
int nvmlDeviceGetP2PStatus(void*, void*, unsigned, unsigned* status) {
  return *status = 0, 0;
}
#endif

int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  return std::snprintf(text, size, "550.54.15"), 0;
}
int nvmlDeviceGetName(void* device, char* text, unsigned size) {
  return std::snprintf(text, size, "Fake card %d", index_of(device)), 0;
}
struct PciInfo {
  char legacy[16];
  unsigned domain, bus, device, id, subsystem;
  char bus_id[32];
};
int nvmlDeviceGetPciInfo(void* device, PciInfo* info) {
  return *info = {"", 0, 0x33U + static_cast<unsigned>(index_of(device)), 0, 0, 0, ""}, 0;
}
struct Memory {
  unsigned long long total, free, used;
};
int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
  return *memory = {40ULL << 30, 39ULL << 30, 1ULL << 30}, 0;
}
int nvmlDeviceGetTemperature(void*, unsigned, unsigned* celsius) {
  return *celsius = 31, 0;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* mw) {
  if (index_of(device) == 0) ++readings;
  if (readings > 1 && misbehaves_by("silent-later")) hang();
  if (readings > 1 && misbehaves_by("gone-later")) ::raise(SIGKILL);
  return *mw = misbehaves_by("odd") ? 4'294'967'295U : 55'000U, 0;
}

}  // extern "C"
