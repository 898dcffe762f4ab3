// The software half of a probe: libraries, tools, Python environments, container run-times and Kubernetes of
// a host, and what each vendor's tooling lacks. docs/probe.md says what is looked at.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "exam/probe/host_roots.h"

namespace assay {

struct SoftwarePlaces {
  HostRoots roots;
  std::string path, ld_library_path;      // as the variables have them; of another root nobody's are known
  std::vector<std::string> environments;  // folders of Python environments that are active
  std::vector<std::string> interpreters;  // asked for; absolute
  bool run_vendor_code = false;           // versions of tools, devices of frameworks; of this machine only
  std::vector<std::pair<std::string, std::string>> child_environment;
};

// Adds to `host` the members runtimes, stacks, tools, python, containers, kubernetes and tooling, and what
// gives rise to doubt to probe_findings. Reads `accelerators`, where it is there already, for whose cards are
// here.
void add_software(const SoftwarePlaces& places, const ProfileCatalogue& profiles, Json& host,
                  std::vector<Finding>& findings);

}  // namespace assay
