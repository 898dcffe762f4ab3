// The environment's say in where things lie.
#include "cli/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "cli/command.h"

namespace assay {
namespace {

constexpr double kDefaultCacheLimitGb = 20;

// What a worker may see. Drivers and run-times are steered by variables of their vendors, so those pass, but
// none whose name says that it is a secret: NVIDIA_API_KEY is no business of a backend.
constexpr const char* kWorkerVariables[] = {
    "PATH",         "HOME",         "TMPDIR",        "LANG",        "LC_",   "XDG_",    "LD_LIBRARY_PATH",
    "ASSAY_",       "GGML_",        "LLAMA_",        "OMP_",        "VK_",   "MESA_",   "LP_NUM_THREADS",
    "CUDA_",        "HIP_",         "ROCR_",         "HSA_",        "MUSA_", "ASCEND_", "ONEAPI_",
    "SYCL_",        "ZE_",          "ROCM_",         "NVIDIA_",     "IXRT_", "COREX_",  "BIREN_",
    "LSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};

// What serving engines and the Python that they run in are steered by.
constexpr const char* kServerVariables[] = {"HF_",
                                            "TRANSFORMERS_",
                                            "VLLM_",
                                            "SGLANG_",
                                            "SGL_",
                                            "TRTLLM_",
                                            "TORCH_",
                                            "PYTORCH_",
                                            "TRITON_",
                                            "FLASHINFER_",
                                            "NCCL_",
                                            "RCCL_",
                                            "GLOO_",
                                            "UCX_",
                                            "RAY_",
                                            "PYTHONPATH",
                                            "PYTHONUNBUFFERED",
                                            "TORCHINDUCTOR_",
                                            "VIRTUAL_ENV",
                                            "CONDA_",
                                            "MKL_",
                                            "KMP_",
                                            "OPENBLAS_",
                                            "XLA_",
                                            "USER",
                                            "LOGNAME",
                                            "SHELL",
                                            "TERM",
                                            "TZ",
                                            "DOCKER_",
                                            "CONTAINER_"};

constexpr const char* kSecretWords[] = {"KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"};

bool is_one_of(const std::string& name, std::span<const char* const> variables) {
  return std::ranges::any_of(variables, [&](std::string_view known) {
    return known.ends_with('_') ? name.starts_with(known) : name == known;
  });
}

bool looks_secret(const std::string& name) {
  return std::ranges::any_of(kSecretWords,
                             [&](const char* word) { return name.find(word) != std::string::npos; });
}

bool worker_may_see(const std::string& name) {
  return !looks_secret(name) && is_one_of(name, kWorkerVariables);
}

bool server_may_see(const std::string& name) {
  // The one name that only looks like a secret's.
  if (name == "TOKENIZERS_PARALLELISM") return true;
  return worker_may_see(name) || (!looks_secret(name) && is_one_of(name, kServerVariables));
}

// ggml's Vulkan backend passes over software devices unless it is told which device to take. Where no driver
// of a real graphics device is there, the software one (lavapipe) is all there is, and it is a device to be
// evaluated like any other.
bool has_graphics_driver() {
  for (const char* node : {"/dev/dri", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg"}) {
    if (file_exists(node)) return true;
  }
  return false;
}

// Of Python: what a shell has switched to.
std::vector<std::string> active_environments(const CliEnvironment& environment) {
  std::vector<std::string> folders;
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (!environment.variable(name).empty()) folders.push_back(environment.variable(name));
  }
  return folders;
}

}  // namespace

Result<Places> find_places(const CliEnvironment& environment) {
  Places places;
  places.bundled_model_directory = environment.variable("ASSAY_MODEL_DIR");
  if (places.bundled_model_directory.empty()) places.bundled_model_directory = ASSAY_DEFAULT_MODEL_DIR;
  std::string cache = environment.variable("ASSAY_CACHE_DIR");
  if (cache.empty() && !environment.variable("XDG_CACHE_HOME").empty()) {
    cache = environment.variable("XDG_CACHE_HOME") + "/assay";
  }
  if (cache.empty() && !environment.variable("HOME").empty())
    cache = environment.variable("HOME") + "/.cache/assay";
  if (cache.empty()) cache = "/var/tmp/assay";
  places.cache_directory = cache;
  places.model_cache_directory = cache + "/models";
  places.sysfs_root = environment.variable("ASSAY_SYSFS");
  if (places.sysfs_root.empty()) places.sysfs_root = "/sys";
  places.pci_ids = environment.variable("ASSAY_PCI_IDS");
  double limit_gb = kDefaultCacheLimitGb;
  if (const std::string text = environment.variable("ASSAY_CACHE_LIMIT_GB"); !text.empty()) {
    const std::optional<double> number = parse_number(text);
    if (!number || *number <= 0) {
      return fail(fmt::format("ASSAY_CACHE_LIMIT_GB is '{}', which is no positive number", printable(text)),
                  "environment", "Give the limit in gigabytes, for example 20.");
    }
    limit_gb = *number;
  }
  places.model_cache_limit_bytes = static_cast<int64_t>(limit_gb * 1e9);
  return places;
}

std::vector<std::pair<std::string, std::string>> server_environment(const CliEnvironment& environment) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& variable : environment.variables) {
    if (server_may_see(variable.first)) variables.push_back(variable);
  }
  return variables;
}

WorkerCommand worker_command(const CliEnvironment& environment) {
  WorkerCommand worker;
  worker.command = {environment.executable, std::string(kWorkerCommand)};
  bool has_visible_devices = false;
  for (const auto& [name, value] : environment.variables) {
    if (!worker_may_see(name)) continue;
    worker.environment.emplace_back(name, value);
    has_visible_devices = has_visible_devices || name == "GGML_VK_VISIBLE_DEVICES";
  }
  worker.environment.emplace_back("GGML_NO_BACKTRACE", "1");
  if (!has_visible_devices && !has_graphics_driver())
    worker.environment.emplace_back("GGML_VK_VISIBLE_DEVICES", "0");
  return worker;
}

ManagementAccess management_access(const CliEnvironment& environment) {
  return {.command = {environment.executable, std::string(kManagementCommand)},
          .environment = worker_command(environment).environment};
}

HostProbe host_probe(const CliEnvironment& environment, const Places& places, const std::string& root) {
  return {.worker = worker_command(environment),
          .roots = HostRoots::of(root, places.sysfs_root),
          .pci_ids = places.pci_ids,
          .management = management_access(environment),
          .library_path = environment.variable("LD_LIBRARY_PATH"),
          .path = environment.variable("PATH"),
          .python_environments = active_environments(environment),
          .child_environment = server_environment(environment)};
}

}  // namespace assay
