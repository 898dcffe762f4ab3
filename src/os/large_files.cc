// Large files and in-use locks over POSIX calls; see large_files.h.
#include "os/large_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "os/file_errors.h"
#include "os/output_place.h"

namespace assay {
Result<FileWriter> FileWriter::create(const std::string& path) {
  ASSIGN_OR_RETURN(OutputPlace place, output_place(path));
  FileWriter writer;
  writer.name_ = path;
  if (place.is_special) {
    ASSIGN_OR_RETURN(writer.fd_, open_special(place));
    return writer;
  }
  writer.temporary_path_ = fmt::format("{}.{}.partial", place.path, ::getpid());
  writer.path_ = std::move(place.path);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  writer.fd_ = FileDescriptor(::open(writer.temporary_path_.c_str(), flags, 0644));
  if (!writer.fd_.valid()) return fail_errno("write", path);
  return writer;
}

FileWriter& FileWriter::operator=(FileWriter&& other) noexcept {
  if (this == &other) return *this;
  discard();
  name_ = std::move(other.name_);
  path_ = std::move(other.path_);
  temporary_path_ = std::move(other.temporary_path_);
  fd_ = std::move(other.fd_);
  return *this;
}

FileWriter::~FileWriter() {
  discard();
}

void FileWriter::discard() {
  if (!fd_.valid()) return;
  fd_.reset();
  if (is_replacing()) ::unlink(temporary_path_.c_str());
}

Result<void> FileWriter::append(std::span<const std::byte> bytes) {
  return write_all(fd_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_);
}

Result<void> FileWriter::commit() {
  Result<void> finished;
  if (::close(fd_.release()) != 0) finished = fail_errno("finish writing", name_);
  if (!is_replacing()) return finished;
  if (finished && ::rename(temporary_path_.c_str(), path_.c_str()) != 0)
    finished = fail_errno("rename into place", name_);
  if (!finished) ::unlink(temporary_path_.c_str());
  return finished;
}

Result<FileDescriptor> lock_as_used(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open", path);
  int locked;
  do {
    locked = ::flock(fd.get(),
                     LOCK_SH);  // waits only while somebody removes it or looks whether it can be removed
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) return fail_errno("lock", path);
  struct stat mine{}, there{};
  const bool is_there = ::fstat(fd.get(), &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
                        mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
  if (!is_there) return fail("the file was removed by another process", path);
  return fd;
}

bool remove_unless_used(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return false;
  ::unlink(path.c_str());  // under the lock: who waits for it looks again
  return true;
}

int64_t modified_at_ns(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

void mark_as_used_now(const std::string& path) {
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
}

}  // namespace assay
