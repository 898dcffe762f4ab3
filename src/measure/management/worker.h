// The child process that has loaded one management library: this same program with a hidden subcommand. What
// the library does there (hang, crash, print, exit, fork) is seen from outside, by ManagementChild.
#pragma once

#include <string>

namespace assay {

// Loads the library at `path` and answers over descriptor 3, a socket that it takes out of the library's way:
// a first line with all that there is to be read (or {"error": "…"}, and ends), then one for each line "all
// N" or "power N" that comes in, with the question's number. What the library prints goes to stdout and
// stderr. Ends with its parent's end of the socket. The exit code: 0, or 1 where the library could not be
// used.
int run_management_worker(const std::string& path);

}  // namespace assay
