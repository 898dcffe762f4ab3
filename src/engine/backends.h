// The ggml backends of this process and the devices they bring.
#pragma once

#include <ggml-backend.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// Loads the backends that lie beside libggml, then every libggml-*.so of the `extra_folders` (a vendor's
// own). Returns what could not be loaded, for people; that is no error as long as one device is left. Call
// once, before anything else here.
std::vector<std::string> load_backends(const std::vector<std::string>& extra_folders);

// The folder in which libggml lies.
std::string library_folder();

std::vector<ggml_backend_dev_t> all_devices();
// The error lists the names that there are.
Result<ggml_backend_dev_t> find_device(std::string_view name);
std::string_view type_name(enum ggml_backend_dev_type type);  // "cpu", "gpu", "igpu", "accel", "other"
std::string backend_name(ggml_backend_dev_t device);          // of its registry: "CPU", "Vulkan"

// Bytes; for a CPU what the system (MemAvailable) and the control group leave. 0: the device does not tell.
struct DeviceMemory {
  int64_t free = 0, total = 0;
};
DeviceMemory device_memory(ggml_backend_dev_t device);

// One a physical core that this process may run on: what llama.cpp's own tools use.
int default_threads();
// Of a backend that computes with threads of its own; others have no such thing.
void set_threads(ggml_backend_t backend, ggml_backend_dev_t device, int threads);

// A tensor type as ggml names it, in any case. The error lists the names that there are.
Result<ggml_type> find_type(std::string_view name);

// What ggml and llama.cpp say: warnings and errors go on to stderr; the last error and, on request, every
// line are kept.
class EngineLog {
 public:
  // Installs itself for the life of the process; there is one.
  static EngineLog& install();
  void keep_lines(bool keep);
  const std::string& lines() const { return lines_; }  // bounded to 1 MiB
  std::string last_error() const;                      // one line, printable; "" if none
  void clear();

 private:
  void take(int level, std::string_view text);
  bool keep_ = false;
  std::string lines_, errors_;
  int level_ = 0;
  friend void engine_log_callback(int level, const char* text, void* self);
};

}  // namespace assay
