// The live block of a run, frame by frame, as a terminal of 80 columns gets it.
#include "cli/progress.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cli.h"

namespace assay::progress_test {

using testing::HasSubstr;
using testing::Not;

class LiveBlock : public ::testing::Test {
 protected:
  // What the block draws `ms` later.
  std::string frame(double ms, double fraction, const std::string& status) {
    clock_.advance_to(clock_.now() + nanos_from_ms(ms));
    testing::internal::CaptureStderr();
    display_.update(fraction, status);
    return testing::internal::GetCapturedStderr();
  }

  FakeClock clock_;
  CliEnvironment environment_{
      .clock = clock_, .executable = "", .variables = {}, .err_is_terminal = true, .interrupted = {}};
  Terminal terminal_{environment_};
  ProgressDisplay display_{terminal_, clock_};
};

std::string without_escapes(std::string text) {
  for (size_t at = text.find("\x1b["); at != std::string::npos; at = text.find("\x1b["))
    text.erase(at, text.find_first_of("AJK", at) + 1 - at);
  return text;
}

size_t times(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST_F(LiveBlock, FitsEightyColumnsAndTellsTheTimeLeftOnce) {
  testing::internal::CaptureStderr();
  display_.begin(0, 12,
                 "load mix on a.server.with.a.long.name.example:8000 and 3 more of the same kind as it");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("left")));
  EXPECT_THAT(frame(30'000, 0, "burst: 3 of 16 requests"), Not(HasSubstr("left")));
  EXPECT_THAT(frame(200, 0.002, std::string(200, 'x')), Not(HasSubstr("left"))) << "the first of the load";
  for (int i = 1; i < 10; ++i) {
    const std::string text = without_escapes(frame(1000, 0.002 + 0.0998 * i, std::string(78, 'x')));
    EXPECT_EQ(times(text, " left"), 1U) << text;
    EXPECT_EQ(times(text, "…"), 1U) << "only the name is cut: " << text;
    for (const std::string_view line : split(text, '\n')) EXPECT_LE(display_width(line), 80U) << line;
  }
  EXPECT_THAT(frame(1000, 1, "done"), Not(HasSubstr("left")));
}

TEST(Terminal, BehindALauncherTakesNoEscapes) {
  FakeClock clock;
  CliEnvironment environment{.clock = clock,
                             .executable = "",
                             .variables = {{"TERM", "xterm"}},
                             .out_is_terminal = true,
                             .err_is_terminal = true,
                             .interrupted = {}};
  EXPECT_TRUE(Terminal(environment).out_colour());
  EXPECT_TRUE(Terminal(environment).err_is_live());
  environment.variables.insert(environment.variables.end(),
                               {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "8"}});
  EXPECT_FALSE(Terminal(environment).out_colour());
  EXPECT_FALSE(Terminal(environment).err_is_live());
}

// The burst before a load took half a minute, which says nothing of how long the load takes.
TEST_F(LiveBlock, CountsFromWhenSomethingMoved) {
  testing::internal::CaptureStderr();
  display_.begin(0, 1, "load");
  testing::internal::GetCapturedStderr();
  frame(30'000, 0, "burst");
  frame(100, 0.1, "");
  EXPECT_THAT(frame(3'000, 0.4, ""), HasSubstr(", 6.00 s left"));
}

}  // namespace assay::progress_test
