// The front door of cli: assay's command line, with everything it takes from outside handed in.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/os.h"

namespace assay {

// The world as the program sees it. main.cc fills in the real one, tests a fake one.
struct CliEnvironment {
  Clock& clock;
  // Runs a worker's job in this process (the hidden subcommand); returns its exit code.
  int (*run_worker)(std::string_view job_json) = nullptr;
  // This program's own file, started again as a worker.
  std::string executable;
  // The whole environment.
  std::vector<std::pair<std::string, std::string>> variables;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int width = 80;                                                  // of the terminal behind stderr
  std::function<bool()> interrupted;                               // Ctrl-C has been pressed
  std::function<bool()> interrupted_again = [] { return false; };  // … a second time

  std::string variable(std::string_view name) const;  // "" if unset
};

// Hidden subcommands, by which this program starts itself: no people type them, so that they are in no table.
// "worker": the engine; "management": a management library.
bool is_child_command(std::string_view name);

extern const char* const kVersion;  // "0.1.0"

// Runs one command line and returns the exit code: 0 done and every requirement met, 1 a requirement failed
// or a result is void, 2 could not run. Results go to stdout, everything else to stderr.
int run_cli(const std::vector<std::string>& arguments, CliEnvironment& environment);

}  // namespace assay
