// The folders of vendors' stacks on a host: which are there, of which version, and the libraries and programs
// in them whose names the profiles know.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "os/os.h"

namespace assay {

// A folder of a stack. `path` is without links.
struct StackRoot {
  const VendorProfile* profile = nullptr;
  std::string path;          // "/usr/local/cuda-12.4"
  std::string version;       // "12.4.1"; "" unknown
  std::string version_file;  // that told it
};

// A library or program in it, as it was come upon (which may be a link).
struct StackFile {
  std::string name;  // "libcuda.so.1"
  std::string path;
};

struct StackFiles {
  std::vector<StackRoot> roots;
  std::vector<StackFile> libraries, tools;
  bool is_cut_off = false;  // more files than are looked at

  // The stack whose folder holds `path`, the innermost; null: none.
  const StackRoot* root_of(std::string_view path) const;
};

// "libcudart.so" of "libcudart.so.12.4.99"; "" of what is named like no library.
std::string_view library_base_name(std::string_view file_name);
// "12.4.99" of "libcudart.so.12.4.99"; "" without one.
std::string_view library_file_version(std::string_view file_name);
// The first text that reads like a version ("24.1.rc2", "3.0.2"); "" if there is none.
std::string first_version(std::string_view text);

// Walks the roots of all profiles: six folders deep, 1,500 folders and 80,000 names a root at most.
StackFiles find_stack_files(const HostTree& tree, const ProfileCatalogue& profiles);

}  // namespace assay
