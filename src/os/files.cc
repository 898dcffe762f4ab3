// Files over POSIX calls; see files.h.
#include "os/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include "os/file_errors.h"
#include "os/output_place.h"

namespace assay {
namespace {

constexpr int64_t kMostMapsBytes = 16 << 20;

Result<void> replace_file(const std::string& target, const std::string& name, std::string_view content) {
  const std::string beside = fmt::format("{}.{}.tmp", target, ::getpid());
  const FileDescriptor fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return fail_errno("create", name);
  Result<void> written = write_all(fd.get(), content, name);
  if (written && ::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)
    written = fail_errno("sync", name);
  if (written && ::rename(beside.c_str(), target.c_str()) != 0)
    written = fail_errno("rename into place", name);
  if (!written) ::unlink(beside.c_str());
  return written;
}

// The file that the code of this function was mapped from: the program's own, also where /proc/self/exe is
// the dynamic loader that it was started by. Empty if it cannot be told.
std::string file_of_own_code() {
  const auto here = reinterpret_cast<uintptr_t>(&file_of_own_code);
  const Result<std::string> maps = read_file("/proc/self/maps", kMostMapsBytes);
  if (!maps) return "";
  for (const std::string_view line :
       split(*maps, '\n')) {  // "5581a000-5581b000 r-xp 00000000 fe:00 123   /path"
    uintptr_t begin = 0, end = 0;
    const char* last = line.data() + line.size();
    const auto [dash, begin_error] = std::from_chars(line.data(), last, begin, 16);
    if (begin_error != std::errc() || dash == last || *dash != '-') continue;
    const auto [rest, end_error] = std::from_chars(dash + 1, last, end, 16);
    if (end_error != std::errc() || here < begin || here >= end) continue;
    const size_t path = line.find('/');
    return path == std::string_view::npos ? "" : std::string(line.substr(path));
  }
  return "";
}

Result<FileDescriptor> open_regular_file(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return fail_errno("open", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("look at", path);
  if (!S_ISREG(info.st_mode)) return fail("is no regular file", path);
  return fd;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_all(int fd, const std::string& name, int64_t max_bytes) {
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", name);
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (static_cast<int64_t>(content.size()) > max_bytes) {
      return fail(fmt::format("is larger than the {} allowed here", format_bytes(max_bytes)), name);
    }
  }
}

Result<std::string> read_file(const std::string& path, int64_t max_bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open", path);
  return read_all(fd.get(), path, max_bytes);
}

Result<std::string> read_regular_file(const std::string& path, int64_t max_bytes) {
  ASSIGN_OR_RETURN(const FileDescriptor fd, open_regular_file(path));
  return read_all(fd.get(), path, max_bytes);
}

Result<std::string> read_link(const std::string& path) {
  std::string target(4096, '\0');
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  if (n < 0) return fail_errno("read the link", path);
  target.resize(static_cast<size_t>(n));
  return target;
}

Result<FileDescriptor> file_in_memory(std::string_view content) {
  const std::string name = "file in memory";
  FileDescriptor fd(::memfd_create("assay", MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno("create", name);
  RETURN_IF_ERROR(write_all(fd.get(), content, name));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("rewind", name);
  return fd;
}

Result<void> write_file_atomically(const std::string& path, std::string_view content) {
  ASSIGN_OR_RETURN(const OutputPlace place, output_place(path));
  if (!place.is_special) return replace_file(place.path, path, content);
  ASSIGN_OR_RETURN(const FileDescriptor fd, open_special(place));
  return write_all(fd.get(), content, path);
}

bool file_exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<int64_t> file_size(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("look at", path);
  return int64_t{info.st_size};
}

Result<void> make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return fail("cannot create the folder: " + error.message(), path, "Name a folder that you may write to.");
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(path, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return fail("cannot list the folder: " + error.message(), path, "Check the path.");
  std::sort(names.begin(), names.end());
  return names;
}

Result<FileDescriptor> lock_directory(const std::string& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail_errno("open", path);
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return fail("another assay is at work in this folder", path, "Wait for its end, or name another folder.");
  }
  return directory;  // on a file system without locks: unlocked
}

void remove_file(const std::string& path) {
  ::unlink(path.c_str());
}

Result<int64_t> free_disk_space_bytes(const std::string& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) != 0) return fail_errno("look at the disk of", path);
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

std::string parent_directory(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

Result<std::string> own_executable_path() {
  std::error_code error;
  const std::string executed = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return fail("cannot find this program's own file: " + error.message(), "/proc/self/exe");
  const std::string program = file_of_own_code();
  if (program.empty() || program == executed) return executed;
  const std::string launcher = parent_directory(parent_directory(program)) + "/" + file_name(program);
  return file_exists(launcher) ? launcher : program;
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("look at", path);
  if (!S_ISREG(info.st_mode)) return fail("is not a regular file", path);
  if (info.st_size == 0) return MappedFile(nullptr, 0);
  void* data = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return fail_errno("map", path);
  return MappedFile(static_cast<const std::byte*>(data), static_cast<size_t>(info.st_size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace assay
