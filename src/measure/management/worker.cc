// The loop of questions and answers; see worker.h.
#include "measure/management/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/base.h"
#include "measure/management/nvml.h"

namespace assay {
namespace {

constexpr int kGivenSocket = 3;
constexpr int kOutOfTheWay = 200;  // a library that closes or writes to low descriptors does not meet it
constexpr size_t kMostQuestionBytes = 64;

bool send_line(int socket, const Json& answer) {
  const std::string line = answer.dump() + "\n";
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::send(socket, line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

// The next line; nothing when the parent is gone.
std::optional<std::string> next_question(int socket) {
  std::string line;
  while (line.size() < kMostQuestionBytes) {
    char c = 0;
    const ssize_t n = ::recv(socket, &c, 1, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (c == '\n') return line;
    line += c;
  }
  return std::nullopt;
}

void answer_questions(const NvmlLibrary& library, int socket) {
  Json answer = library.read_all();
  if (!send_line(socket, answer.set("sequence", 0))) return;
  while (const std::optional<std::string> question = next_question(socket)) {
    const size_t space = question->find(' ');
    if (space == std::string::npos) return;
    const std::string_view number = std::string_view(*question).substr(space + 1);
    answer = question->starts_with("power ") ? library.read_power() : library.read_all();
    if (!send_line(socket, answer.set("sequence", parse_integer(number).value_or(0)))) return;
  }
}

}  // namespace

int run_management_worker(const std::string& path) {
  const int socket = ::fcntl(kGivenSocket, F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (socket < 0) return 2;
  ::close(kGivenSocket);
  ::signal(SIGPIPE, SIG_IGN);
  // A crash in here is somebody's finding, not somebody's disk.
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const Result<NvmlLibrary> library = NvmlLibrary::open(path);
  if (!library) {
    send_line(socket, Json::object().set("error", library.error().what));
    ::_exit(1);
  }
  answer_questions(*library, socket);
  // Without the library's own endings, which may hang.
  ::_exit(0);
}

}  // namespace assay
