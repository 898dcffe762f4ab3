// The file of stamps: as `assay emulate` writes it, and as hostile hands would.
#include "load/calibration/emulator_stamps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::emulator_stamps_test {

const std::string kHead =
    R"({"format":"assay emulate stamps","version":1,"clock":"CLOCK_MONOTONIC","timing":"constant"})"
    "\n";
const std::string kAnswer =
    R"({"request_id":"assay-3","index":0,"path":"/v1/chat/completions","outcome":"done","fault":"","arrival_ns":5,)"
    R"("token_due_ns":[10,20],"token_sent_ns":[11,21],"end_due_ns":20,"end_sent_ns":21})"
    "\n";
const std::string kEnd = R"({"end":true,"stamps_lost_events":2,"stamps_lost_requests":1})"
                         "\n";

std::string problem(const std::string& text) {
  const Result<EmulatorStamps> stamps = parse_emulator_stamps(text, "file");
  return stamps ? "" : stamps.error().message();
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(EmulatorStamps, AFinishedFileIsRead) {
  const auto stamps = parse_emulator_stamps(kHead + kAnswer + kEnd, "file");
  ASSERT_TRUE(stamps) << stamps.error().message();
  ASSERT_EQ(stamps->answers.size(), 1u);
  EXPECT_EQ(stamps->answers[0].request_id, "assay-3");
  EXPECT_TRUE(stamps->answers[0].is_done);
  EXPECT_THAT(stamps->answers[0].token_due_ns, testing::ElementsAre(10, 20));
  EXPECT_THAT(stamps->answers[0].token_sent_ns, testing::ElementsAre(11, 21));
  EXPECT_EQ(stamps->lost_events, 2);
  EXPECT_EQ(stamps->lost_requests, 1);
}

TEST(EmulatorStamps, AnAnswerWithAFaultIsNotDone) {
  const auto stamps =
      parse_emulator_stamps(kHead + with(kAnswer, R"("fault":"")", R"("fault":"stall")") + kEnd, "file");
  ASSERT_TRUE(stamps);
  EXPECT_FALSE(stamps->answers[0].is_done);
}

TEST(EmulatorStamps, ErrorsNameFileAndLine) {
  EXPECT_THAT(problem(kHead + kAnswer + with(kAnswer, "[11,21]", "[11]") + kEnd),
              testing::HasSubstr("file:3"));
}

TEST(EmulatorStamps, HostileFilesAreRefused) {
  const std::string whole = kHead + kAnswer + kEnd;
  for (size_t length = 0; length < whole.size(); ++length)  // no beginning of a file is a file
    ASSERT_NE(problem(whole.substr(0, length)), "") << length;
  EXPECT_NE(problem(whole + kEnd), "");
  EXPECT_NE(problem(with(whole, "assay emulate stamps", "something")), "");
  EXPECT_NE(problem(with(whole, "\"version\":1", "\"version\":2")), "");
  EXPECT_NE(problem(with(whole, "CLOCK_MONOTONIC", "CLOCK_REALTIME")), "");
  EXPECT_NE(problem(with(whole, "assay-3", std::string(129, 'x'))), "");
  EXPECT_NE(problem(with(whole, "assay-3", "")), "");
  for (const char* times : {"[20,10]", "[0,20]", "[-1,20]", "[1.5,20]", "[\"a\",20]", "[null,20]", "{}", "7",
                            "[1,9223372036854775807]", "[1,1e30]", "[1,2,3]"}) {
    EXPECT_NE(problem(with(whole, "[11,21]", times)), "") << times;
    EXPECT_NE(problem(with(whole, "[10,20]", times)), "") << times;
  }
  EXPECT_NE(problem(with(whole, "\"stamps_lost_events\":2", "\"stamps_lost_events\":-2")), "");
  EXPECT_NE(problem(kHead + "[]\n" + kEnd), "");
  EXPECT_NE(problem(kHead + std::string(100'000, '[') + "\n" + kEnd), "");
}

}  // namespace assay::emulator_stamps_test
