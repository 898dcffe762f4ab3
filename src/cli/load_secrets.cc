// See load_secrets.h.
#include "cli/load_secrets.h"

#include <fmt/format.h>

#include "cli/flag_text.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr int64_t kMostBytes = int64_t{16} << 20;  // a bundle of certificates is far smaller

}  // namespace

Result<void> check_secrets(const CliEnvironment& environment, const ParsedOptions& options) {
  if (options.has("--api-key-env") && options.has("--api-key-file")) return {};  // refused with the scenario
  if (options.has("--api-key-env") && environment.variable(options.value("--api-key-env")).empty())
    return fail("this environment variable is not set", typed_flag(options, "--api-key-env"),
                "Set it to the server's key, or leave the flag out.");
  for (const char* flag : {"--api-key-file", "--ca-file"}) {
    if (!options.has(flag)) continue;
    const Result<std::string> text = read_file(options.value(flag), kMostBytes);
    if (!text) return fail(text.error().what, typed_flag(options, flag), text.error().remedy);
    if (trim(*text).empty())
      return fail("this file is empty", typed_flag(options, flag),
                  "Name the right file, or leave the flag out.");
  }
  return {};
}

}  // namespace assay
