// HostRoots: where the files of the host that is looked at lie. A host is this machine, or one whose file
// system is seen under another folder: from inside a container, or a tree made by a test.
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

struct HostRoots {
  std::string root;            // is put before every absolute path that is looked at: "" or "/host"
  std::string sysfs = "/sys";  // "/sys", or root + "/sys"

  // Of `root` as a user gives it: "", "/" and "/host/" are all right. `sysfs`: where this machine's sysfs is
  // mounted, which another root does not have.
  static HostRoots of(std::string_view root, std::string_view sysfs = "/sys") {
    while (root.ends_with('/')) root.remove_suffix(1);
    if (root.empty()) return {.root = "", .sysfs = std::string(sysfs)};
    return {.root = std::string(root), .sysfs = std::string(root) + "/sys"};
  }

  // This machine as this process sees it. Of another nothing is executed or loaded unasked.
  bool is_this_machine() const { return root.empty(); }
  // Where the file that the host calls `path` lies; `path` is absolute.
  std::string at(std::string_view path) const { return root + std::string(path); }
  // The reverse: what the host itself calls the file that lies at `path`, which is how it is shown.
  std::string_view of_host(std::string_view path) const {
    return path.starts_with(root) && path.substr(root.size()).starts_with('/') ? path.substr(root.size())
                                                                               : path;
  }
};

}  // namespace assay
