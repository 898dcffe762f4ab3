// The command line with the fake engine in place of the real one, and with two switches that only tests have:
// ASSAY_TEST_CLOCK=fake lets a FakeClock stand for time; ASSAY_TEST_STOP_AT=N with
// ASSAY_TEST_STOP=kill|interrupt ends the process the hard way, or asks it to end, at the N-th time that it
// looks whether it should.
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "engine/engine.h"

int main(int argc, char** argv) {
  const auto executable = assay::own_executable_path();
  assay::SystemClock system_clock;
  assay::FakeClock fake_clock;
  const auto variables = assay::environment_subset({"*"});
  const auto variable = [&](const char* name) {
    for (const auto& [key, value] : variables) {
      if (key == name) return value;
    }
    return std::string();
  };
  signal(SIGPIPE, SIG_IGN);
  int64_t looks_left = assay::parse_integer(variable("ASSAY_TEST_STOP_AT")).value_or(0);
  const bool kills = variable("ASSAY_TEST_STOP") == "kill";
  bool stopped = false;
  assay::CliEnvironment environment{
      .clock = variable("ASSAY_TEST_CLOCK") == "fake" ? static_cast<assay::Clock&>(fake_clock) : system_clock,
      .run_worker = assay::run_worker,
      .executable = executable ? *executable : argv[0],
      .variables = variables,
      .interrupted =
          [&] {
            if (looks_left > 0 && --looks_left == 0) {
              if (kills) kill(getpid(), SIGKILL);
              stopped = true;
            }
            return stopped;
          },
  };
  return assay::run_cli(std::vector<std::string>(argv + 1, argv + argc), environment);
}
