// Compute run-time libraries of a host: which are there, whose they are, and which of them are somebody's
// clone of somebody else's. Each is read as a file; nothing of them is executed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "exam/probe/stack_files.h"
#include "os/os.h"

namespace assay {

struct FoundLibrary {
  std::string name;                        // "libcudart.so"
  std::string path;                        // without links
  std::string version;                     // of the file's name, or of its text; "" unknown
  const VendorProfile* profile = nullptr;  // whose it is; null: nobody's (OpenCL), or not to be told
  std::string role;
  std::optional<Capability> capability;
  const VendorProfile* clone_of = nullptr;  // whose interface it bears; null: its own
  std::string claims_version;               // of that interface; "" unknown
  std::string because;                      // why it is taken for what it is; "" where the name says all
  std::string machine;                      // "x86-64"; "" unreadable
  bool is_on_loader_path = false;           // the loader finds it by its name alone
};

struct FoundLibraries {
  std::vector<FoundLibrary> libraries;  // by name, then path
  std::vector<Finding> findings;
};

// `machine`: the host's, "" if not known. `ld_library_path`: as the variable has it.
FoundLibraries find_libraries(const HostTree& tree, const ProfileCatalogue& profiles,
                              const StackFiles& stacks, std::string_view ld_library_path,
                              std::string_view machine);

}  // namespace assay
