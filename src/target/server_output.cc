// The reading thread and its bounds; see server_output.h.
#include "target/server_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "target/endpoint/endpoint_reply.h"

namespace assay {
namespace {

constexpr size_t kOutputHeadBytes = 32 << 10, kTailBytes = 96 << 10;
constexpr size_t kWordsBytes = 4 << 10;  // of stderr, for last words
constexpr size_t kOutputReadBytes = 64 << 10;
constexpr int kPipeBytes = 1 << 20;  // asked for: what a server says between two looks
constexpr int kPaceMs = 50;          // between two looks, however much comes
constexpr size_t kLastLines = 6;

}  // namespace

// ---- bounds ----

void BoundedText::append(std::string_view text) {
  const size_t to_head = std::min(text.size(), head_bytes_ - head_.size());
  head_ += text.substr(0, to_head);
  text.remove_prefix(to_head);
  tail_ += text;
  // Cut when it is twice too long: each byte is moved once.
  if (tail_.size() <= 2 * tail_bytes_) return;
  lost_ += tail_.size() - tail_bytes_;
  tail_.erase(0, tail_.size() - tail_bytes_);
}

std::string BoundedText::text() const {
  const size_t shown = std::min(tail_.size(), tail_bytes_);
  const uint64_t lost = lost_ + (tail_.size() - shown);
  const std::string_view tail = std::string_view(tail_).substr(tail_.size() - shown);
  if (lost == 0) return head_ + std::string(tail);
  return fmt::format("{}\n[{} bytes are left out here]\n{}", head_, lost, tail);
}

void BoundedText::clear() {
  head_.clear();
  tail_.clear();
  lost_ = 0;
}

std::string scrubbed_output(std::string_view text, const std::vector<std::string>& secrets) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == 0x1b && i + 1 < text.size() && text[i + 1] == '[') {  // colours and the like: ESC [ … letter
      i += 2;
      while (i < text.size() && !(text[i] >= 0x40 && text[i] <= 0x7e)) ++i;
      continue;
    }
    if (c == '\r') continue;
    out += c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f) ? text[i] : '?';
  }
  out = valid_utf8(out);
  for (const std::string& secret : secrets) {
    if (!secret.empty()) hide(secret, out);
  }
  return out;
}

// ---- the thread ----

ServerOutput::ServerOutput(int out, int err, pid_t pid)
    : out_(out), err_(err), pid_(pid), both_(kOutputHeadBytes, kTailBytes), err_text_(0, kWordsBytes) {
  for (const int fd : {out, err}) ::fcntl(fd, F_SETPIPE_SZ, kPipeBytes);  // less is no harm
  int fds[2];
  // Without it the thread ends at its next look.
  if (::pipe2(fds, O_CLOEXEC) == 0) stop_read_ = FileDescriptor(fds[0]), stop_write_ = FileDescriptor(fds[1]);
  // Ctrl-C is for the thread that waits.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ServerOutput::~ServerOutput() {
  finish();
}

void ServerOutput::finish() {
  if (!thread_.joinable()) return;
  ended_ = true;
  stopping_ = true;
  stop_write_.reset();
  thread_.join();
  read_all();
}

// False when both streams have ended.
bool ServerOutput::read_all() {
  char buffer[kOutputReadBytes];
  bool is_open = false;
  for (const int fd : {out_, err_}) {
    // A server that says more than we read must not keep us here.
    for (int reads = 0; reads < 64; ++reads) {
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0) {
        is_open = is_open || (n < 0 && (errno == EAGAIN || errno == EINTR));
        break;
      }
      is_open = true;
      const std::lock_guard lock(mutex_);
      both_.append({buffer, static_cast<size_t>(n)});
      if (fd == err_) err_text_.append({buffer, static_cast<size_t>(n)});
    }
  }
  return is_open;
}

// Looks at a steady pace instead of at every line: a wake-up costs the load generator more than a read.
void ServerOutput::run() {
  pollfd stop{.fd = stop_read_.get(), .events = POLLIN, .revents = 0};
  while (!stopping_) {
    ::poll(&stop, 1, kPaceMs);
    read_all();
    // Only looked at: reaping is for the one who owns the process. Reaped already, it has ended, too.
    siginfo_t info{};
    const int looked = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    if ((looked == 0 && info.si_pid != 0) || (looked != 0 && errno == ECHILD))
      ended_.store(true, std::memory_order_relaxed);
  }
}

std::string ServerOutput::take() {
  const std::lock_guard lock(mutex_);
  std::string text = both_.text();
  both_.clear();
  return text;
}

std::string ServerOutput::last_lines() const {
  const std::lock_guard lock(mutex_);
  std::string_view text = trim(err_text_.tail());
  if (text.empty()) text = trim(both_.tail());
  size_t begin = text.size();
  for (size_t line = 0; line < kLastLines && begin != std::string_view::npos && begin > 0; ++line)
    begin = text.rfind('\n', begin - 1);
  return std::string(begin == std::string_view::npos || begin == text.size() ? text : text.substr(begin + 1));
}

}  // namespace assay
