// HostTree: the files of a host whose root is a folder here ("" is this machine's own). Links are followed as
// that host would follow them, so that an absolute one leads to a place below the root and never out of it.
// Whatever lies there is foreign: every listing and reading has a bound.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "os/files.h"

namespace assay {

enum class EntryKind { kFile, kFolder, kLink, kSocket, kOther };

struct HostEntry {
  std::string name;
  EntryKind kind = EntryKind::kOther;
};

// Has no state but the root; any thread. Every path is the host's own and absolute: "/usr/local/cuda".
class HostTree {
 public:
  explicit HostTree(std::string root);

  // The path without links, of a file or folder that is there; nothing where it is not, where a link leads in
  // circles, or where a name on the way is no folder.
  std::optional<std::string> resolve(std::string_view path) const;
  // Names in a folder with what they are, sorted; at most `most`, empty where there is no such folder.
  std::vector<HostEntry> list(std::string_view folder, size_t most = 20'000) const;
  // What is there now that matches, sorted. A "*" stands for any text within a name; [0-9] for a digit.
  std::vector<std::string> expand(std::string_view pattern, size_t most = 50) const;
  bool is_folder(std::string_view path) const;
  bool is_program(std::string_view path) const;  // a regular file that somebody may execute
  // The first bytes of a regular file; nothing where there is none, or it cannot be read.
  std::optional<std::string> head(std::string_view path, size_t most_bytes) const;
  // A regular file, opened for reading (never a device or a pipe, whose opening could wait for ever).
  Result<FileDescriptor> open(std::string_view path) const;
  // As this process names it.
  std::string here(std::string_view path) const { return root_ + std::string(path); }

 private:
  std::string root_;
};

// Reads `size` bytes from `offset` of a file, or fewer at its end; empty where nothing can be read.
std::string read_part(int fd, int64_t offset, size_t size);
// Bytes of an open file.
int64_t size_of(int fd);
// True if `name` is what the pattern says: "*" any text, "[0-9]" a digit, all else itself.
bool matches_pattern(std::string_view name, std::string_view pattern);

}  // namespace assay
