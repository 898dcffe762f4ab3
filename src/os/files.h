// Files: read whole with a bound, written whole or not at all, found by name. Errors name the path and what
// to do.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// A file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// Fails if the file is larger than `max_bytes`.
Result<std::string> read_file(const std::string& path, int64_t max_bytes);
// The same of a regular file only, as those of sysfs and procfs are: never waits, as a pipe that somebody has
// put in its place would make it.
Result<std::string> read_regular_file(const std::string& path, int64_t max_bytes);
// What a symbolic link holds, as it stands; at most 4,096 bytes.
Result<std::string> read_link(const std::string& path);
// All that is left to be read of an open descriptor; `name` is what errors call it.
Result<std::string> read_all(int fd, const std::string& name, int64_t max_bytes);
// A file in memory, without a name, that holds `content` and is read from its beginning: what a child process
// is to read and no disk is to keep.
Result<FileDescriptor> file_in_memory(std::string_view content);
// Writes beside, syncs, renames: after a crash there is the old file or the new one. Fails whole on a full
// disk. A link's target is replaced, and the link stays; what is no regular file (a device, a pipe) is opened
// and written.
Result<void> write_file_atomically(const std::string& path, std::string_view content);

bool file_exists(const std::string& path);
Result<int64_t> file_size(const std::string& path);
Result<void> make_directories(const std::string& path);
Result<std::vector<std::string>> list_directory(const std::string& path);  // names, sorted, without . and ..
// Held until the descriptor closes, also by a kill; fails at once if another process holds it.
Result<FileDescriptor> lock_directory(const std::string& path);
void remove_file(const std::string& path);  // absent is fine
Result<int64_t> free_disk_space_bytes(const std::string& path);
std::string absolute_path(const std::string& path);
std::string parent_directory(const std::string& path);
std::string file_name(const std::string& path);
// The file by which this running program is started again, as a worker: its own, or, where a launcher had a
// dynamic loader run it (an unpacked bundle, in which /proc/self/exe is that loader), the launcher's, which
// lies one folder above the program's and has its name.
Result<std::string> own_executable_path();

// A file mapped for reading; the bytes live as long as this does.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, size_t size) : data_(data), size_(size) {}
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace assay
