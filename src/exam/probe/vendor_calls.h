// What vendors' own programs and frameworks say when they are run: versions of tools, and the devices that a
// Python framework sees. Only ever done on request and on this machine; all children side by side, each with
// a limit of 2.5 s and 64 KiB, in a group of its own.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/probe/python_environments.h"
#include "exam/probe/tools.h"

namespace assay {

struct FrameworkDevice {
  std::string framework;  // "torch"
  std::string device;     // "cuda"; of ONNX Runtime a provider
  int64_t count = -1;     // -1 unknown
  std::string name;       // of the first; "" unknown
};

struct PythonAnswer {
  std::vector<FrameworkDevice> devices;
  std::string error;  // what went wrong in asking; "" nothing
};

struct VendorAnswers {
  std::vector<PythonAnswer> python;  // one an environment, in their order
  std::vector<Finding> findings;
};

// The devices in what the script printed; lines of others are passed over.
std::vector<FrameworkDevice> parse_framework_devices(std::string_view output);

// Sets the versions of `tools`. `environment` is the children's.
VendorAnswers ask_vendors(std::vector<FoundTool>& tools, const std::vector<PythonEnvironment>& pythons,
                          const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace assay
