// Loading of ggml backends, choice of a device, and the log of the libraries.
#include "engine/backends.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <llama.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kMaxLogBytes = 1 << 20;

bool is_backend_library(const std::string& name) {
  return name.starts_with("libggml-") && name.ends_with(".so") && name != "libggml-base.so" &&
         !name.starts_with("libggml-cpu");
}

void load_folder(const std::string& folder, std::vector<std::string>& problems) {
  const auto names = list_directory(folder);
  if (!names)
    return problems.push_back(
        fmt::format("{}: {}", names.error().where, sentences(names.error().what, names.error().remedy)));
  for (const std::string& name : *names) {
    const std::string path = folder + "/" + name;
    if (is_backend_library(name) && ggml_backend_load(path.c_str()) == nullptr) {
      problems.push_back(path + ": not a backend that this ggml can load");
    }
  }
}

// MemAvailable, and what the cgroup leaves, in bytes; 0 if neither can be read.
int64_t available_host_memory() {
  int64_t available = 0;
  if (const auto text = read_file("/proc/meminfo", 1 << 16)) {
    for (const std::string_view line : split(*text, '\n')) {
      if (!line.starts_with("MemAvailable:")) continue;
      const std::string_view number = trim(line.substr(13, line.rfind("kB") - 13));
      available = parse_integer(number).value_or(0) * 1024;
    }
  }
  const auto limit = read_file("/sys/fs/cgroup/memory.max", 64);
  const auto used = read_file("/sys/fs/cgroup/memory.current", 64);
  if (limit && used) {
    const auto most = parse_integer(trim(*limit));  // "max" where there is no limit
    const auto now = parse_integer(trim(*used));
    if (most && now) available = std::min(available, std::max<int64_t>(0, *most - *now));
  }
  return available;
}

}  // namespace

std::string library_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&ggml_backend_load_all_from_path), &info) == 0 ||
      info.dli_fname == nullptr)
    return ".";
  return parent_directory(absolute_path(info.dli_fname));
}

std::vector<std::string> load_backends(const std::vector<std::string>& extra_folders) {
  // A build of the user's own may have its backends linked in; loading again finds nothing new then.
  ggml_backend_load_all_from_path(library_folder().c_str());
  std::vector<std::string> problems;
  for (const std::string& folder : extra_folders) load_folder(folder, problems);
  return problems;
}

std::vector<ggml_backend_dev_t> all_devices() {
  std::vector<ggml_backend_dev_t> devices;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) devices.push_back(ggml_backend_dev_get(i));
  return devices;
}

Result<ggml_backend_dev_t> find_device(std::string_view name) {
  std::vector<std::string> names;
  for (ggml_backend_dev_t device : all_devices()) {
    if (name == ggml_backend_dev_name(device)) return device;
    names.emplace_back(ggml_backend_dev_name(device));
  }
  return fail(fmt::format("there is no ggml device '{}'.{}", printable(name), suggestion(name, names)), "job",
              names.empty() ? "No backend could be loaded: is ASSAY_LLAMA_ROOT complete?"
                            : fmt::format("There are: {}.", join(names, ", ")));
}

std::string_view type_name(enum ggml_backend_dev_type type) {
  switch (type) {
    case GGML_BACKEND_DEVICE_TYPE_CPU:
      return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU:
      return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
      return "igpu";
    case GGML_BACKEND_DEVICE_TYPE_ACCEL:
      return "accel";
    default:
      return "other";
  }
}

std::string backend_name(ggml_backend_dev_t device) {
  return ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
}

DeviceMemory device_memory(ggml_backend_dev_t device) {
  size_t free = 0, total = 0;
  ggml_backend_dev_memory(device, &free, &total);
  if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU) {
    return {available_host_memory(), static_cast<int64_t>(total)};
  }
  return {static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

int default_threads() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const auto siblings =
        read_file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu), 4096);
    cores.insert(siblings ? *siblings : fmt::format("cpu {}", cpu));
  }
  return std::max(1, static_cast<int>(cores.size()));
}

void set_threads(ggml_backend_t backend, ggml_backend_dev_t device, int threads) {
  const auto set = reinterpret_cast<ggml_backend_set_n_threads_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads"));
  if (set != nullptr) set(backend, threads);
}

Result<ggml_type> find_type(std::string_view name) {
  std::vector<std::string> known;
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    const auto type = static_cast<ggml_type>(i);
    if (ggml_blck_size(type) == 0 || ggml_type_name(type) == nullptr) continue;
    if (lower(name) == lower(ggml_type_name(type))) return type;
    known.emplace_back(ggml_type_name(type));
  }
  return fail(fmt::format("'{}' is no type of ggml.{}", printable(name), suggestion(name, known)), "job",
              fmt::format("There are: {}.", join(known, ", ")));
}

void engine_log_callback(int level, const char* text, void* self) {
  static_cast<EngineLog*>(self)->take(level, text);
}

EngineLog& EngineLog::install() {
  // The libraries' callback is process-wide, and so is this.
  static EngineLog log;
  const auto callback = [](ggml_log_level level, const char* text, void* self) {
    engine_log_callback(static_cast<int>(level), text, self);
  };
  llama_log_set(callback, &log);
  return log;
}

void EngineLog::keep_lines(bool keep) {
  keep_ = keep;
}

void EngineLog::take(int level, std::string_view text) {
  if (level != GGML_LOG_LEVEL_CONT) level_ = level;
  if (keep_ && lines_.size() < kMaxLogBytes) lines_ += text;
  if (level_ == GGML_LOG_LEVEL_ERROR && errors_.size() < kMaxLogBytes) errors_ += text;
  if (level_ < GGML_LOG_LEVEL_WARN) return;
  [[maybe_unused]] const ssize_t n = ::write(2, text.data(), text.size());
}

std::string EngineLog::last_error() const {
  // The first error says what is wrong; those after it only that loading failed.
  for (const std::string_view line : split(errors_, '\n')) {
    if (!trim(line).empty()) return printable(trim(line));
  }
  return "";
}

void EngineLog::clear() {
  lines_.clear(), errors_.clear();
}

}  // namespace assay
