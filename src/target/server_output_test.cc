// What is kept of a server that says much, and that none of it keeps the server waiting.
#include "target/server_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::server_output_test {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(BoundedText, KeepsTheBeginningAndTheEnd) {
  BoundedText text(4, 3);
  for (const char* piece : {"ab", "cdef", "gh", "ijk"}) text.append(piece);
  EXPECT_EQ(text.text(), "abcd\n[4 bytes are left out here]\nijk");
  EXPECT_THAT(std::string(text.tail()), EndsWith("ijk"));
  text.clear();
  text.append("xyz12");
  EXPECT_EQ(text.text(), "xyz12");
}

TEST(ScrubbedOutput, HasNoEscapesAndNoSecrets) {
  EXPECT_EQ(scrubbed_output("\x1b[1;31mred\x1b[0m\r\n\ttab\x07", {}), "red\n\ttab?");
  EXPECT_EQ(scrubbed_output("key=hunter2!", {"", "hunter2"}), "key=***!");
  EXPECT_EQ(scrubbed_output("\x1b[", {}), "");
  EXPECT_EQ(scrubbed_output("a\xff", {}), "a\xef\xbf\xbd");
}

TEST(ServerOutput, ReadsMoreThanAPipeHolds) {
  // Ends only if somebody reads all of it.
  Result<Process> process =
      Process::start({.command = {"/bin/sh", "-c",
                                  "i=0; while [ $i -lt 3000 ]; do echo line $i of many; echo err $i >&2; "
                                  "i=$((i+1)); done; head -c 3000000 /dev/zero; echo last words >&2"}});
  ASSERT_TRUE(process) << process.error().message();
  ServerOutput output(process->out(), process->err(), process->pid());
  SystemClock clock;
  const ProcessEnd end = process->end_by(clock.now() + nanos_from_seconds(60), clock);
  EXPECT_TRUE(end.clean()) << end.words();
  output.finish();
  EXPECT_TRUE(output.process_has_ended());
  EXPECT_THAT(output.last_lines(), EndsWith("last words"));
  const std::string text = output.take();
  EXPECT_THAT(text, HasSubstr("line 0 of many\n"));
  EXPECT_THAT(text, HasSubstr("bytes are left out here"));
  EXPECT_LT(text.size(), 300U << 10);
  EXPECT_EQ(output.take(), "");
}

TEST(ServerOutput, LastLinesAreThoseOfStdoutWhereStderrHasNone) {
  Result<Process> process =
      Process::start({.command = {"/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo $i; done"}});
  ASSERT_TRUE(process);
  ServerOutput output(process->out(), process->err(), process->pid());
  SystemClock clock;
  process->end_by(clock.now() + nanos_from_seconds(60), clock);
  output.finish();
  EXPECT_EQ(output.last_lines(), "3\n4\n5\n6\n7\n8");
}

}  // namespace assay::server_output_test
