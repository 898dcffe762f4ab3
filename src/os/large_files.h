// Large files: written in pieces under a temporary name and renamed when whole, and locks that say a file is
// in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/base.h"
#include "os/files.h"

namespace assay {

// A file that appears under its name only when `commit` has succeeded; otherwise nothing stays behind. A
// link's target is replaced, and the link stays. What is no regular file (a device, a pipe) is written as it
// goes. One thread only.
class FileWriter {
 public:
  // Writes beside `path`; an existing file of that name is replaced at the end. Waits for the reader of a
  // pipe.
  static Result<FileWriter> create(const std::string& path);
  FileWriter(FileWriter&&) noexcept = default;
  FileWriter& operator=(FileWriter&& other) noexcept;
  ~FileWriter();

  Result<void> append(std::span<const std::byte> bytes);
  // Hands the pages to the kernel and renames. A crash of the machine, not of the program, may lose content.
  Result<void> commit();

 private:
  FileWriter() = default;
  void discard();
  bool is_replacing() const { return !temporary_path_.empty(); }
  std::string name_;                   // as it was given, for errors
  std::string path_, temporary_path_;  // of a regular file
  FileDescriptor fd_;
};

// A shared lock on a file that says "in use" for as long as the descriptor is open, in this process or any
// other.
// Fails if the file is not there, or is not there any more once it is locked.
Result<FileDescriptor> lock_as_used(const std::string& path);
bool remove_unless_used(const std::string& path);  // false: it is in use

// When the file was last written or marked as used, in nanoseconds since 1970; 0 if it is not there.
int64_t modified_at_ns(const std::string& path);
void mark_as_used_now(const std::string& path);

}  // namespace assay
