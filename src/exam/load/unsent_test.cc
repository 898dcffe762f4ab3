// What is said of requests that were not sent.
#include "exam/load/unsent.h"

#include <gtest/gtest.h>

namespace assay::unsent_test {
namespace {

LoadResult sent(size_t rows, size_t planned) {
  LoadResult result;
  result.rows.resize(rows);
  result.planned = planned;
  return result;
}

TEST(Unsent, NothingIsSaidWhereAllWereSentOrAnotherFindingSaysWhy) {
  EXPECT_FALSE(unsent_finding(sent(10, 10), 10, 60));
  LoadResult lost = sent(5, 10);
  lost.lost = Error{"gone", "", ""};
  EXPECT_FALSE(unsent_finding(lost, 10, 60));
  LoadResult stopped = sent(5, 10);
  stopped.is_stopped = true;
  EXPECT_FALSE(unsent_finding(stopped, 10, 60));
}

TEST(Unsent, EachReasonHasItsNumber) {
  LoadResult result = sent(88, 100);
  result.turns_after_failure = 5;
  result.turns_after_break_off = 4;
  const auto sessions = unsent_finding(result, 100, 60);
  ASSERT_TRUE(sessions);
  EXPECT_EQ(
      sessions->text,
      "Of 100 requests 88 were sent. Of the others 5 were turns of sessions that a failed request had ended, 4 "
      "were turns of sessions whose user had broken off, as planned, 3 waited for answers until the time was "
      "over. A trial may take 1 min 00 s (max_duration_s).");
  EXPECT_EQ(sessions->evidence["waited_for_answers"].as_integer(), 3);
  result.turns_after_break_off = 7;
  EXPECT_EQ(unsent_finding(result, 100, 60)->text.find("max_duration_s"), std::string::npos)
      << "no time had to do with it";
}

}  // namespace
}  // namespace assay::unsent_test
