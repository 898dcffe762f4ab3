// Where a host's loader looks for shared libraries: its cache, its configuration, LD_LIBRARY_PATH, and the
// folders that are always looked into. Read, never asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "os/os.h"

namespace assay {

struct CachedLibrary {
  std::string name;  // "libcuda.so.1"
  std::string path;  // absolute
};

// The entries of /etc/ld.so.cache (glibc's sysdeps/generic/dl-cache.h: the old format, the new one, and the
// old followed by the new), in their order, at most 50,000. Entries that point out of the file, or are no
// absolute paths, are left out; of anything else there are none.
std::vector<CachedLibrary> parse_ld_cache(std::string_view bytes);

// The folders of /etc/ld.so.conf with what it includes (ld.so(8), ldconfig(8)), at most 300; of 300 files,
// each read once, and 50 patterns.
std::vector<std::string> configured_folders(const HostTree& tree);

// All folders in the order in which the loader prefers them, each once: LD_LIBRARY_PATH (colons and
// semicolons between; relative ones are left out), the configuration, and the usual ones.
std::vector<std::string> library_folders(const HostTree& tree, std::string_view ld_library_path);

}  // namespace assay
