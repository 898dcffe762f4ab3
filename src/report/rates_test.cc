// Sweeps and capacities from records to what people read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/model.h"
#include "report/report.h"

namespace assay::rates_test {

using testing::HasSubstr;
using testing::Not;

// A dossier of sweep and search trials on one fake target.
class Evidence {
 public:
  Evidence() {
    content.subjects.push_back({.id = 1, .name = "fake", .kind = "fake"});
    for (const auto& [id, phase] : {std::pair{1, "sweep"}, {2, "capacity"}}) {
      Trial trial{.id = id, .exam = "load", .target = "fake", .subject_id = 1, .state = TrialState::kDone};
      trial.parameters.set("phase", phase);
      content.trials.push_back(trial);
    }
  }

  Record& add(int64_t trial, const char* metric, double value, const char* traffic_class = "all") {
    Record record{.id = static_cast<int64_t>(content.records.size()) + 1, .trial_id = trial, .subject_id = 1};
    record.metric = metric;
    record.value = value;
    record.conditions.set("phase", trial == 1 ? "sweep" : "capacity").set("traffic_class", traffic_class);
    content.records.push_back(std::move(record));
    return content.records.back();
  }

  void add_point(const char* key, double at, double served, double ttft_ms) {
    for (const auto& [metric, value] :
         {std::pair{"request_throughput_per_s", served}, {"ttft_ms_p50", ttft_ms}})
      add(1, metric, value).conditions.set(key, at);
  }

  Record& add_capacity(const char* tier, double value) {
    Record& record = add(2, "capacity_per_s", value);
    record.unit = "requests/s";
    record.confidence = 0.95;
    record.conditions.set("tier", tier).set("probes", 7).set("search_s", 90).set("limited_by", "chat");
    return record;
  }

  void add_attained(double rate, double share, int64_t n) {
    Record& record = add(2, "slo_attainment", share, "chat");
    record.n = n;
    record.conditions.set("tier", "slo").set("probe_rate_per_s", rate);
  }

  Model model() const { return *make_model(content, nullptr); }

  DossierContent content;
};

TEST(Rates, PointsOfASweepStandInTheirOrder) {
  Evidence evidence;
  evidence.add_point("sweep_users", 4, 9, 50);
  evidence.add_point("sweep_rate_per_s", 16, 15, 80);
  evidence.add_point("sweep_rate_per_s", 2, 2, 20);
  const Model model = evidence.model();
  ASSERT_EQ(model.servings.size(), 1U);
  const std::vector<SweepPoint>& sweep = model.servings[0].sweep;
  ASSERT_EQ(sweep.size(), 3U);
  EXPECT_EQ(point_text(sweep[0]), "2 arrivals/s");
  EXPECT_EQ(point_text(sweep[1]), "16 arrivals/s");
  EXPECT_EQ(point_text(sweep[2]), "4 users");
  EXPECT_FALSE(model.servings[0].has_mix_or_alone());
  const std::string table = render_load_table(evidence.content);
  EXPECT_THAT(table, HasSubstr("served/s"));
  EXPECT_THAT(table, HasSubstr("16 arrivals/s  15.0      80.0"));
  for (const std::string_view line : split(table, '\n')) EXPECT_LT(display_width(line), 80U) << line;
  EXPECT_THAT(render_load_table(evidence.content, 120), HasSubstr("served/s  TTFT p50 ms  TTFT p90 ms"));
  EXPECT_THAT(table, Not(HasSubstr("E2E ms")));  // there is no mix to show
}

TEST(Rates, ASweepUnderLimitsShowsItsGoodput) {
  Evidence evidence;
  evidence.add_point("sweep_rate_per_s", 2, 2, 20);
  evidence.add(1, "goodput_per_s", 1.5).conditions.set("sweep_rate_per_s", 2);
  Record& attained = evidence.add(1, "slo_attainment", 0.75, "chat");
  attained.conditions.set("sweep_rate_per_s", 2);
  EXPECT_THAT(render_load_table(evidence.content), Not(HasSubstr("goodput"))) << "there are no limits";
  evidence.content.records.back().conditions.set("slo_ttft_ms", 500);
  const std::string table = render_load_table(evidence.content);
  EXPECT_THAT(table, HasSubstr("served/s  goodput/s  TTFT "));
  EXPECT_THAT(table, HasSubstr("2 arrivals/s  2.00      1.50       20.0"));
}

TEST(Rates, OfACapacityWithAWideIntervalTheEndsAreTold) {
  Evidence evidence;
  Record& found = evidence.add_capacity("slo", 14);
  found.ci_low = 13;
  found.ci_high = 27;
  const Model model = evidence.model();
  EXPECT_EQ(capacity_phrase(model.servings.at(0).capacities.at(0)),
            "between 13.0 and 27.0 requests/s within every limit");
}

TEST(Rates, ACapacityIsToldWithItsIntervalAndWhatItRestsOn) {
  Evidence evidence;
  Record& found = evidence.add_capacity("slo", 14);
  found.ci_low = 13;
  found.ci_high = 15;
  found.conditions.set("ended", "resolved");
  evidence.add_capacity("relaxed", 40).ci_low = 40;
  evidence.content.records.back().conditions.set("ended", "budget spent");
  evidence.add_attained(20, 0.2, 50);
  evidence.add_attained(10, 0.97, 50);
  evidence.add_attained(10, 0.99, 500);
  const Model model = evidence.model();
  const std::vector<CapacityRow>& capacities = model.servings.at(0).capacities;
  ASSERT_EQ(capacities.size(), 2U);
  EXPECT_EQ(capacity_phrase(capacities[0]), "14.0 (13.0–15.0) requests/s within every limit");
  EXPECT_EQ(capacity_phrase(capacities[1]), "at least 40.0 requests/s within those of tier relaxed");
  EXPECT_EQ(capacity_basis(capacities[0]), "95 % sure; limited by chat; 7 trials in 1 min 30 s");
  EXPECT_THAT(capacity_basis(capacities[1]), HasSubstr("; budget spent"));
  ASSERT_EQ(capacities[0].attained.size(), 1U);
  const std::vector<const Record*>& chat = capacities[0].attained[0].second;
  ASSERT_EQ(chat.size(), 2U);  // of two trials at one rate, the longer
  EXPECT_EQ(*chat[0]->value, 0.99);
  EXPECT_EQ(probe_rate(*chat[1]), 20);
  EXPECT_THAT(render_load_table(evidence.content),
              HasSubstr("capacity            14.0 (13.0–15.0) requests/s"));
}

TEST(Rates, ADossierThatSaysLittleOfThemIsPassedOver) {
  Evidence evidence;
  evidence.add(1, "ttft_ms_p50", 3);     // at no point
  evidence.add(2, "capacity_per_s", 3);  // of no tier
  evidence.add_attained(10, 0.9, 5);     // of a tier without a capacity
  const Model model = evidence.model();
  EXPECT_TRUE(model.servings.at(0).sweep.empty());
  EXPECT_TRUE(model.servings.at(0).capacities.empty());
}

}  // namespace assay::rates_test
