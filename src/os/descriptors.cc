// Descriptors over close_range, or one by one; see descriptors.h.
#include "os/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#ifndef SYS_close_range
#define SYS_close_range 436  // the same on every machine
#endif

namespace assay {
namespace {

constexpr unsigned kOnExec = 4;  // CLOSE_RANGE_CLOEXEC
constexpr rlim_t kMostDescriptors = 1 << 20;

int end_of_descriptors() {
  rlimit limit{};
  // The hard limit: what was opened under an earlier, higher one stays open.
  const rlim_t most = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : kMostDescriptors;
  return static_cast<int>(std::min(most, kMostDescriptors));
}

bool close_range(int first, unsigned flags) {
  return ::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, flags) == 0;
}

void close_each(int first, int end) {
  for (int fd = first; fd < end; ++fd) ::close(fd);
}

}  // namespace

void close_from(int first) {
  if (!close_range(first, 0)) close_each(first, end_of_descriptors());
}

void close_all_but(int kept) {
  close_from(kept + 1);
  close_each(0, kept);  // few: a descriptor has the lowest number that was free
}

void close_on_exec_from(int first) {
  if (close_range(first, kOnExec)) return;
  for (int fd = first, end = end_of_descriptors(); fd < end; ++fd) {
    // One that is not open has no flags.
    if (const int flags = ::fcntl(fd, F_GETFD); flags >= 0) ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

}  // namespace assay
