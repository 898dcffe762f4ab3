// NvmlLibrary: a library that exports NVML's functions, loaded into this process and asked. Foreign code runs
// here: only a child process that may be lost does this (see worker.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

// Functions and structs are those of NVIDIA's public NVML API reference. Any function may be missing but
// nvmlInit, nvmlDeviceGetCount and nvmlDeviceGetHandleByIndex: what is missing stays unknown. One thread
// only; never closed: a library that has threads of its own cannot be unloaded safely.
class NvmlLibrary {
 public:
  // Loads the file and begins. Fails with the loader's words, or with what nvmlInit returned.
  static Result<NvmlLibrary> open(const std::string& path);

  // {"driver_version", "library_version", "devices": [{…}], "peers": [[from, to, access], …]}, the members of
  // ManagementDevice and "throttle_bits"; see parse_management_line.
  Json read_all() const;
  // The same with power_w and energy_j of each device only.
  Json read_power() const;

 private:
  explicit NvmlLibrary(void* handle) : handle_(handle) {}
  // The first of these names that the library exports, of functions that do the same; null if none.
  void* function(std::initializer_list<const char*> names) const;
  Result<void> begin();
  std::string result_words(int code) const;

  void* handle_;
  std::vector<void*> devices_;  // nvmlDevice_t, an opaque pointer
};

}  // namespace assay
