// Writing to the two streams; see terminal.h.
#include "cli/terminal.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/cli.h"
#include "os/os.h"

namespace assay {

namespace {

// What passes through a launcher may end in a file, whatever it looks like from here.
bool takes_escapes(const CliEnvironment& environment) {
  return environment.variable("TERM") != "dumb" && !is_output_passed_on(environment.variables);
}

}  // namespace

Terminal::Terminal(const CliEnvironment& environment)
    : out_colour_(environment.out_is_terminal && environment.variable("NO_COLOR").empty() &&
                  takes_escapes(environment)),
      err_is_live_(environment.err_is_terminal && takes_escapes(environment)),
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
