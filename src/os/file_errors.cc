// Errors and writes of files; see file_errors.h.
#include "os/file_errors.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace assay {

std::unexpected<Error> fail_errno(std::string_view verb, const std::string& path) {
  const int number = errno;
  std::string remedy;
  if (number == ENOENT) remedy = "Check the path.";
  if (number == EACCES || number == EPERM) remedy = "Check the permissions of the file and its folder.";
  if (number == EISDIR) remedy = "Name a file, not a folder.";
  if (number == ENOTDIR) remedy = "Check the path: a part of it is a file.";
  if (number == EROFS) remedy = "Name a folder that you may write to.";
  if (number == ENOSPC || number == EDQUOT) remedy = "Free some space, or name another folder.";
  return fail(fmt::format("cannot {}: {}", verb, errno_text(number)), path, remedy);
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    // A descriptor that was handed down may be a pipe that does not wait by itself.
    if (written < 0 && errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      if (::poll(&room, 1, -1) < 0 && errno != EINTR) return fail_errno("write", path);
      continue;
    }
    if (written < 0) return fail_errno("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace assay
