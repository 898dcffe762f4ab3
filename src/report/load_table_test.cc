// What the table of `assay load` says of limits, and of a rate that was chosen.
#include <gmock/gmock.h>

#include "report/report.h"

namespace assay::load_table_test {

using testing::HasSubstr;
using testing::Not;

// A mix of one class on one endpoint: what was offered, what kept its limits, and which share did.
struct Evidence {
  Evidence() {
    content.subjects.push_back({.id = 1, .name = "h:1", .kind = "endpoint"});
    content.trials.push_back(
        {.id = 1, .exam = "load", .target = "h:1", .subject_id = 1, .state = TrialState::kDone});
    content.trials[0].parameters.set("phase", "mix");
    add("offered_rate_per_s", 12, "all");
    add("goodput_per_s", 10, "all");
    add("slo_attainment", 0.85, "chat");
  }
  void add(const char* metric, double value, const char* traffic_class) {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = 1, .subject_id = 1};
    record.metric = metric;
    record.value = value;
    record.conditions.set("phase", "mix").set("traffic_class", traffic_class);
    content.records.push_back(std::move(record));
  }

  DossierContent content;
};

TEST(LoadTable, SpeaksOfLimitsOnlyWhereThereAreAny) {
  Evidence evidence;
  EXPECT_THAT(render_load_table(evidence.content), Not(HasSubstr("limit")));
  evidence.content.records[2].conditions.set("slo_ttft_ms", 500);
  EXPECT_THAT(render_load_table(evidence.content),
              HasSubstr("offered 12.0, served —, within every limit 10.0\n"));
}

TEST(LoadTable, TellsTheRateThatABurstChose) {
  Evidence evidence;
  EXPECT_THAT(render_load_table(evidence.content), Not(HasSubstr("rate chosen")));
  evidence.content.records[0]
      .conditions.set("rate_chosen_by", "burst")
      .set("utilisation", 0.6)
      .set("burst_requests", 32)
      .set("burst_rate_per_s", 20)
      .set("arrival_rate_per_s", 12);
  EXPECT_THAT(
      render_load_table(evidence.content),
      HasSubstr(
          "rate chosen        12.0 arrivals/s, 60 % of the 20.0 requests/s that a burst of 32 showed\n"));
}

}  // namespace assay::load_table_test
