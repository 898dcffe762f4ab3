// Programs of vendors' stacks on a host: in the folders of PATH and of the stacks. Found, not run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "exam/probe/stack_files.h"
#include "os/os.h"

namespace assay {

struct FoundTool {
  std::string name;                        // "ixsmi"
  std::string path;                        // as found first
  const VendorProfile* profile = nullptr;  // null: nobody's, or not to be told
  std::string role;
  std::optional<Capability> capability;
  std::string version_flag;   // "": it tells no version
  std::string version;        // only where it was asked
  bool is_ambiguous = false;  // several vendors have a program of this name
};

// `path`: folders with colons between, as in PATH; "": the usual ones. `is_here` tells of a vendor whether
// anything else of it is on this host, for names that several have. By name, then path.
std::vector<FoundTool> find_tools(const HostTree& tree, const ProfileCatalogue& profiles,
                                  const StackFiles& stacks, std::string_view path,
                                  const std::vector<const VendorProfile*>& is_here);

}  // namespace assay
