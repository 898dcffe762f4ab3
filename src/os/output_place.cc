// Following links to where an output goes; see output_place.h.
#include "os/output_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "os/file_errors.h"
#include "os/large_files.h"

namespace assay {
namespace {

constexpr int kMostLinks = 40;  // as the kernel follows

// Of /dev/fd/63, as a shell names `>(cat)`. Opened by that name a file would be written over from its
// beginning, and a socket not at all.
std::optional<int> own_descriptor(std::string_view path) {
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    const std::optional<int64_t> fd = parse_integer(path.substr(folder.size()));
    if (fd && *fd >= 0 && *fd <= INT32_MAX) return static_cast<int>(*fd);
  }
  return std::nullopt;
}

// Where a link leads; nothing if it is none.
std::optional<std::string> target_of_link(const std::string& path) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(path, error);
  if (error) return std::nullopt;
  return (std::filesystem::path(path).parent_path() / target).string();
}

Result<void> check_descriptor(int fd, const std::string& path) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) return {};
  return fail("this process has no such descriptor to write to", path, "Check the path.");
}

bool is_pipe(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
}

}  // namespace

Result<OutputPlace> output_place(const std::string& path) {
  std::string here = path;
  for (int links = 0; links <= kMostLinks; ++links) {
    if (own_descriptor(here)) return OutputPlace{here, true};
    const std::optional<std::string> target = target_of_link(here);
    if (!target) break;
    here = *target;
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return OutputPlace{here, false};
    return fail_errno("write", path);
  }
  if (S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return fail_errno("write", path);
  }
  if (!S_ISREG(info.st_mode)) return OutputPlace{path, true};
  return OutputPlace{here, false};
}

Result<FileDescriptor> open_special(const OutputPlace& place) {
  const std::optional<int> own = own_descriptor(place.path);
  FileDescriptor fd(own ? ::fcntl(*own, F_DUPFD_CLOEXEC, 0)
                        : ::open(place.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.valid()) return fd;
  if (errno == EINTR)
    return fail("interrupted before anybody read this pipe", place.path, "Start its reader first.");
  return fail_errno("open", place.path);
}

Result<void> try_output(const std::string& path) {
  ASSIGN_OR_RETURN(const OutputPlace place, output_place(path));
  if (const std::optional<int> own = own_descriptor(place.path)) return check_descriptor(*own, path);
  if (place.is_special) {
    if (::faccessat(AT_FDCWD, place.path.c_str(), W_OK, AT_EACCESS) != 0) return fail_errno("write", path);
    if (is_pipe(place.path)) return {};
    RETURN_IF_ERROR(open_special(place));
    return {};
  }
  RETURN_IF_ERROR(FileWriter::create(path));  // removed again, since it is not committed
  return {};
}

bool are_one_file(const OutputPlace& a, const OutputPlace& b) {
  if (a.is_special || b.is_special || file_name(a.path) != file_name(b.path)) return false;
  std::error_code error;
  return std::filesystem::equivalent(parent_directory(a.path), parent_directory(b.path), error);
}

}  // namespace assay
