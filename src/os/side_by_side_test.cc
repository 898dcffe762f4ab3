// Stories about children that run side by side: their answers come in order, and neither a silent one, nor an
// endless one, nor one that leaves somebody behind holds up the others.
#include "os/side_by_side.h"

#include <gtest/gtest.h>

namespace assay::side_by_side_test {

ProcessOptions shell(const std::string& script) {
  ProcessOptions options;
  options.command = {"/bin/sh", "-c", script};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  return options;
}

TEST(SideBySide, AnswersComeInTheOrderOfTheQuestions) {
  SystemClock clock;
  const auto outputs =
      run_side_by_side({shell("echo one; echo two >&2"), shell("exit 3"), shell("kill -SEGV $$")}, clock,
                       nanos_from_seconds(20), 1000);
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs[0].out, "one\n");
  EXPECT_EQ(outputs[0].err, "two\n");
  EXPECT_TRUE(outputs[0].is_clean());
  EXPECT_EQ(outputs[0].words(), "");
  EXPECT_EQ(outputs[1].words(), "ended with exit code 3");
  EXPECT_FALSE(outputs[2].is_clean());
  EXPECT_NE(outputs[2].words().find("signal 11"), std::string::npos);
}

TEST(SideBySide, OneThatNeverEndsIsStoppedAndTheOthersAnswerNonetheless) {
  SystemClock clock;
  const Nanos begin = clock.now();
  const auto outputs =
      run_side_by_side({shell("trap '' TERM; while :; do sleep 100; done"), shell("echo here")}, clock,
                       nanos_from_ms(300), 1000);
  EXPECT_TRUE(outputs[0].timed_out);
  EXPECT_EQ(outputs[1].out, "here\n");
  EXPECT_LT(seconds(clock.now() - begin), 5);
}

TEST(SideBySide, EndlessOutputIsCutOffAndItsWriterStopped) {
  SystemClock clock;
  const auto outputs =
      run_side_by_side({shell("while :; do echo y; done")}, clock, nanos_from_seconds(20), 1000);
  EXPECT_TRUE(outputs[0].is_cut_off);
  EXPECT_EQ(outputs[0].out.size(), 1000u);
}

TEST(SideBySide, OneThatLeavesAChildBehindWithItsPipesHasEnded) {
  SystemClock clock;
  const Nanos begin = clock.now();
  const auto outputs =
      run_side_by_side({shell("sleep 100 & echo done")}, clock, nanos_from_seconds(20), 1000);
  EXPECT_EQ(outputs[0].out, "done\n");
  EXPECT_TRUE(outputs[0].is_clean());
  EXPECT_LT(seconds(clock.now() - begin), 10);
}

TEST(SideBySide, WhatCannotBeStartedSaysWhy) {
  SystemClock clock;
  ProcessOptions options;
  options.command = {"/nonexistent/tool"};
  const auto outputs = run_side_by_side({options}, clock, nanos_from_seconds(1), 10);
  EXPECT_NE(outputs[0].words().find("could not be started"), std::string::npos);
  EXPECT_TRUE(run_side_by_side({}, clock, nanos_from_seconds(1), 10).empty());
}

}  // namespace assay::side_by_side_test
