// Writing to the two streams; see terminal.h.
#include "cli/terminal.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/cli.h"

namespace assay {

Terminal::Terminal(const CliEnvironment& environment)
    : out_colour_(environment.out_is_terminal && environment.variable("NO_COLOR").empty() &&
                  environment.variable("TERM") != "dumb"),
      err_is_live_(environment.err_is_terminal && environment.variable("TERM") != "dumb"),
      width_(environment.width) {}

Result<void> Terminal::out(std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) return fail("cannot write the result: " + errno_text(errno), "stdout");
  return {};
}

void Terminal::err(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace assay
