// Container run-times and Kubernetes on a host, from their programs, configurations and sockets. Nothing is
// asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "exam/probe/tools.h"
#include "os/os.h"

namespace assay {

struct ContainerPart {
  std::string name;  // "docker", "docker's run-time nvidia", "CDI devices nvidia.com/gpu", "device plug-in
                     // nvidia.com/gpu"
  std::string path;
  std::string version;                     // only of a program that was asked
  const VendorProfile* profile = nullptr;  // null: nobody's
  int64_t devices = -1;                    // that the kubelet has of it; -1 unknown
};

struct ContainerParts {
  std::vector<ContainerPart> containers, kubernetes;
  std::vector<Finding> findings;
};

// The "kind" of a CDI specification (github.com/cncf-tags/container-device-interface), JSON or YAML: a vendor
// and a class, "nvidia.com/gpu". "" if there is none.
std::string cdi_kind(std::string_view text);

// `tools`: those of the host; the run-times among them are parts, too.
ContainerParts find_containers(const HostTree& tree, const ProfileCatalogue& profiles,
                               const std::vector<FoundTool>& tools);

}  // namespace assay
