// Places: where models, caches and results lie, and what of the environment a worker gets. Read from the
// environment once.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/cli.h"
#include "exam/exam.h"
#include "measure/measure.h"
#include "target/target.h"

namespace assay {

struct Places {
  std::string bundled_model_directory;
  std::string kit_directory;  // of assay's own kits
  std::string cache_directory;
  std::string model_cache_directory;
  int64_t model_cache_limit_bytes = 0;
  std::string sysfs_root;  // where the kernel's sysfs is mounted
  std::string pci_ids;     // list of names of PCI devices; "": the system's
};

// A file or folder that comes with the program: beside the launcher in an unpacked bundle, else where it lay
// when the program was built.
std::string bundled_place(const CliEnvironment& environment, const std::string& name,
                          const std::string& as_built);
// Errors name the variable that is no good.
Result<Places> find_places(const CliEnvironment& environment);
// This program as a worker, with a scrubbed environment: paths, locale, and what drivers and vendors'
// libraries read.
WorkerCommand worker_command(const CliEnvironment& environment);
// How a management library is loaded: this program once more, with the same environment.
ManagementAccess management_access(const CliEnvironment& environment);
// What a probe of the host under `root` ("": this machine) looks at.
HostProbe host_probe(const CliEnvironment& environment, const Places& places, const std::string& root = "");
// What a launched server sees of the environment: the same, and what serving engines read; never a secret.
std::vector<std::pair<std::string, std::string>> server_environment(const CliEnvironment& environment);

}  // namespace assay
