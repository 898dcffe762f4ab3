// The program: gathers the real world (clock, environment, terminal, signals) and hands it to the command
// line.
#include <malloc.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "engine/engine.h"

namespace {

std::atomic<int> interrupts = 0;

// The first Ctrl-C asks for an orderly end, the second for one without waiting for answers, the third ends at
// once: the dossier resumes whichever it was.
void on_interrupt(int) {
  if (++interrupts > 2) _exit(2);
}

void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  // glibc would raise it as large blocks are freed, and keep the stamps of a finished trial to itself from
  // then on.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  // Started by a loader, it would have that one's name in lists of processes.
  prctl(PR_SET_NAME, "assay");
  assay::SystemClock clock;
  const auto executable = assay::own_executable_path();
  assay::CliEnvironment environment{
      .clock = clock,
      .run_worker = assay::run_worker,
      .executable = executable ? *executable : argv[0],
      .variables = assay::environment_subset({"*"}),
      .out_is_terminal = isatty(STDOUT_FILENO) != 0,
      .err_is_terminal = isatty(STDERR_FILENO) != 0,
      .width = terminal_width(),
      .interrupted = [] { return interrupts > 0; },
      .interrupted_again = [] { return interrupts > 1; },
  };
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  // A child of this program keeps the default signals: its parent ends it.
  if (arguments.empty() || !assay::is_child_command(arguments[0])) catch_interrupts();
  try {
    return assay::run_cli(arguments, environment);
  } catch (const std::bad_alloc&) {
    fprintf(stderr,
            "assay: there is not enough memory. Take fewer requests or a smaller model; --resume goes on.\n");
    return 2;
  }
}
