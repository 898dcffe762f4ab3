// The report's model as stories: what a dossier says becomes answers, levels and curves.
#include "report/model.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "report/html_sections.h"

namespace assay::model_test {

Json members(std::initializer_list<std::pair<std::string, Json>> list) {
  return Json(Json::Object(list));
}

// A dossier of one device with engine and kernels; tests add what they are about.
DossierContent device_content() {
  DossierContent content;
  content.run.scenario_name = "test";
  content.subjects = {{.id = 1, .name = "host", .kind = "host"}, {.id = 2, .name = "CPU", .kind = "device"}};
  content.trials = {{.id = 1,
                     .exam = "roofline",
                     .target = "CPU",
                     .subject_id = 2,
                     .name = "kernels",
                     .state = TrialState::kDone},
                    {.id = 2,
                     .exam = "roofline",
                     .target = "CPU",
                     .subject_id = 2,
                     .name = "engine",
                     .state = TrialState::kDone},
                    {.id = 3,
                     .exam = "load",
                     .target = "CPU",
                     .subject_id = 2,
                     .name = "mix",
                     .parameters = members({{"phase", "mix"}, {"classes", Json(Json::Array{"chat"})}}),
                     .state = TrialState::kDone}};
  return content;
}

Record& add(DossierContent& content, int64_t trial, std::string metric, double value, Json conditions,
            EvidenceClass evidence_class = EvidenceClass::kMeasured) {
  content.records.push_back({.id = static_cast<int64_t>(content.records.size()) + 1,
                             .trial_id = trial,
                             .subject_id = 2,
                             .evidence_class = evidence_class,
                             .metric = std::move(metric),
                             .value = value,
                             .conditions = std::move(conditions)});
  return content.records.back();
}

void add_decode_chain(DossierContent& content) {
  content.records.reserve(32);
  add(content, 1, "memory_bandwidth_gb_per_s", 300, members({{"kernel", "copy"}, {"memory", "cache"}}));
  add(content, 1, "memory_bandwidth_gb_per_s", 40,
      members({{"kernel", "copy"}, {"memory", "ram"}, {"best", true}}));
  add(content, 1, "memory_bandwidth_gb_per_s", 80, members({{"bound", "theoretical"}}),
      EvidenceClass::kDerived);
  add(content, 2, "decode_tokens_per_s", 100, members({{"model", "m.gguf"}}));
  add(content, 2, "engine_efficiency", 0.5, members({{"of", "decode"}}), EvidenceClass::kDerived);
  add(content, 3, "tpot_ms_p50", 20, members({{"phase", "mix"}, {"traffic_class", "all"}}));
}

const WaterfallStep& step(const Model& model, size_t lane, std::string_view level) {
  for (const WaterfallStep& one : model.waterfalls.at(0).lanes.at(lane).steps) {
    if (one.level == level) return one;
  }
  throw std::out_of_range(std::string(level));
}

TEST(Waterfall, EveryLevelReadsInTokensPerSecond) {
  DossierContent content = device_content();
  add_decode_chain(content);
  const Model model = *make_model(content, nullptr);
  // The engine's 100 tokens/s are half of what 40 GB/s permit, which are half of the bound.
  EXPECT_DOUBLE_EQ(*step(model, 0, "kernels").value, 200);
  EXPECT_DOUBLE_EQ(*step(model, 0, "theoretical bound").value, 400);
  EXPECT_DOUBLE_EQ(*step(model, 0, "engine").value, 100);
  EXPECT_DOUBLE_EQ(*step(model, 0, "serving").value, 50);
  EXPECT_EQ(step(model, 0, "engine").loss, "50 % below the kernels");
  EXPECT_EQ(step(model, 0, "kernels").evidence_class, EvidenceClass::kDerived);
  EXPECT_EQ(step(model, 0, "engine").evidence_class, EvidenceClass::kMeasured);
}

TEST(Waterfall, TheCostOfATokenIsTakenFromTheEnginesRecord) {
  DossierContent content = device_content();
  add_decode_chain(content);
  content.records[1].unit = "GB/s";
  content.records[3].conditions.set("weight_bytes_per_token", 1e8);
  const Model model = *make_model(content, nullptr);
  EXPECT_DOUBLE_EQ(*step(model, 0, "kernels").value, 400);
  EXPECT_EQ(step(model, 0, "kernels").basis, "40.0 GB/s of memory bandwidth ÷ 100 MB a token");
  EXPECT_DOUBLE_EQ(*step(model, 0, "theoretical bound").value, 800);
}

TEST(Waterfall, AMixThatFailedIsSaidToHaveFailed) {
  DossierContent content = device_content();
  add_decode_chain(content);
  content.records.pop_back();
  content.trials[2].state = TrialState::kFailed;
  content.trials[2].end_text = "the worker hung";
  const Model model = *make_model(content, nullptr);
  EXPECT_EQ(step(model, 0, "serving").basis, "the mix failed: the worker hung");
  EXPECT_EQ(step(model, 2, "engine").basis, "batched decode was not measured");
}

// A mix of one request, or of answers without a second token, leaves nothing to take a rate or a TPOT of.
TEST(Waterfall, AMixThatLeftNothingWasStillRun) {
  DossierContent content = device_content();
  add_decode_chain(content);
  content.records.pop_back();
  EXPECT_EQ(step(*make_model(content, nullptr), 0, "serving").basis,
            "the mix was run, but left no number for this");
  content.trials[2].state = TrialState::kPlanned;
  EXPECT_EQ(step(*make_model(content, nullptr), 0, "serving").basis, "the mix was not run to its end");
  content.trials.pop_back();
  EXPECT_EQ(step(*make_model(content, nullptr), 0, "serving").basis, "no mix was run against it");
}

// Of what ended in the window every request may have been good, and those that did not end were not.
TEST(Waterfall, WhatKeptItsLimitsIsTheShareOfTheTable) {
  DossierContent content = device_content();
  add_decode_chain(content);
  const auto of = [](const char* name) { return members({{"phase", "mix"}, {"traffic_class", name}}); };
  add(content, 3, "output_throughput_tokens_per_s", 300, of("all"));
  add(content, 3, "request_throughput_per_s", 4, of("all"));
  add(content, 3, "goodput_per_s", 4, of("all"));
  add(content, 3, "error_rate", 0.2, of("all"));
  add(content, 3, "slo_attainment", 0.6, of("all"));
  add(content, 3, "slo_attainment", 1, of("batch"));
  add(content, 3, "slo_attainment", 0.6, of("chat"));
  // Without limits there is nothing that could be kept.
  const auto is_good = [](const WaterfallStep& each) { return each.level == "within every SLO"; };
  const Model without = *make_model(content, nullptr);
  EXPECT_EQ(without.waterfalls[0].lanes[2].sentence, "The mix drew 300 output tokens/s.");
  EXPECT_EQ(std::ranges::count_if(without.waterfalls[0].lanes[2].steps, is_good), 0);
  EXPECT_EQ(without.waterfalls[0].serving.find("every SLO"), std::string::npos);

  content.records.back().conditions.set("slo_ttft_ms", 500);
  const Model model = *make_model(content, nullptr);
  EXPECT_EQ(model.waterfalls[0].lanes[2].sentence,
            "The mix drew 300 output tokens/s; 60.0 % of its requests kept every limit of their class "
            "(batch has none).");
  EXPECT_DOUBLE_EQ(*step(model, 2, "within every SLO").value, 300 * 0.6 / 0.8);
  EXPECT_NE(model.waterfalls[0].serving.find("within every SLO"), std::string::npos);
}

TEST(Waterfall, ASentenceIsNoSurerThanItsTable) {
  DossierContent content = device_content();
  add_decode_chain(content);
  add(content, 3, "output_throughput_tokens_per_s", 300,
      members({{"phase", "mix"}, {"traffic_class", "all"}}));
  for (Record& record : content.records) record.validity = Validity::kDoubtful;
  const Model model = *make_model(content, nullptr);
  EXPECT_EQ(model.waterfalls[0].lanes[2].sentence, "The mix drew 300 output tokens/s (doubtful).");
  EXPECT_NE(model.waterfalls[0].lanes[0].sentence.find("100 tokens/s (doubtful)"), std::string::npos);
}

TEST(Waterfall, OfAnEndpointAloneNothingIsDrawn) {
  DossierContent content = device_content();
  add(content, 3, "tpot_ms_p50", 20, members({{"phase", "mix"}, {"traffic_class", "all"}}));
  const Model serving = make_model(content, nullptr).value();
  EXPECT_TRUE(serving.waterfalls.at(0).has_only_serving());
  EXPECT_EQ(waterfall_html(serving).find("class=\"charts three\""), std::string::npos);
  EXPECT_NE(waterfall_html(serving).find("Only serving was measured"), std::string::npos);
  content = device_content();
  add_decode_chain(content);
  const Model engine = make_model(content, nullptr).value();
  EXPECT_FALSE(engine.waterfalls.at(0).has_only_serving());
  EXPECT_NE(waterfall_html(engine).find("class=\"charts three\""), std::string::npos);
}

TEST(Waterfall, WhatNobodyClaimedIsUnknown) {
  DossierContent content = device_content();
  add_decode_chain(content);
  const Model model = *make_model(content, nullptr);
  EXPECT_FALSE(step(model, 0, "claimed peak").value);
  EXPECT_EQ(step(model, 0, "claimed peak").basis, "no claim about it is in this dossier");
}

TEST(Waterfall, AClaimStaysAClaim) {
  DossierContent content = device_content();
  add_decode_chain(content);
  add(content, 0, "memory_bandwidth_gb_per_s", 120, Json::object(), EvidenceClass::kClaimed);
  const Model model = *make_model(content, nullptr);
  EXPECT_DOUBLE_EQ(*step(model, 0, "claimed peak").value, 600);
  EXPECT_EQ(step(model, 0, "claimed peak").evidence_class, EvidenceClass::kClaimed);
}

TEST(Waterfall, AVoidNumberCarriesNothing) {
  DossierContent content = device_content();
  add_decode_chain(content);
  for (Record& record : content.records) {
    if (record.metric == "tpot_ms_p50") record.validity = Validity::kVoid;
  }
  const Model model = *make_model(content, nullptr);
  EXPECT_FALSE(step(model, 0, "serving").value);
}

// Two targets on the device, each with a model, an engine and a mix of its own.
DossierContent two_models() {
  DossierContent content = device_content();
  content.trials.clear();
  const auto plan = [&](const char* exam, const char* target) {
    content.trials.push_back({.id = static_cast<int64_t>(content.trials.size()) + 1,
                              .exam = exam,
                              .target = target,
                              .subject_id = 2,
                              .name = exam,
                              .parameters = members({{"phase", "mix"}}),
                              .state = TrialState::kDone});
  };
  for (const char* target : {"small", "large"}) plan("roofline", target), plan("load", target);
  content.records.reserve(32);
  add(content, 1, "memory_bandwidth_gb_per_s", 40, members({{"memory", "ram"}, {"best", true}}));
  const Json small = members({{"model", "small.gguf"}, {"weight_bytes_per_token", 1e8}}),
             large = members({{"model", "large.gguf"}, {"weight_bytes_per_token", 1e9}});
  const Json in_mix = members({{"phase", "mix"}, {"traffic_class", "all"}});
  add(content, 1, "decode_tokens_per_s", 200, small);
  add(content, 1, "batched_decode_tokens_per_s", 800, members({{"sequences", 4}}));
  add(content, 2, "tpot_ms_p50", 10, in_mix);
  add(content, 3, "decode_tokens_per_s", 20, large);
  add(content, 3, "batched_decode_tokens_per_s", 80, members({{"sequences", 4}}));
  add(content, 4, "tpot_ms_p50", 100, in_mix);
  return content;
}

TEST(Waterfall, TwoModelsOnOneDeviceAreNotMixed) {
  const DossierContent content = two_models();
  const Model model = *make_model(content, nullptr);
  ASSERT_EQ(model.waterfalls.size(), 2u);
  const double expected[][4] = {{400, 200, 100, 800}, {40, 20, 10, 80}};
  for (size_t i = 0; i < 2; ++i) {
    const std::vector<WaterfallStep>& decode = model.waterfalls[i].lanes[0].steps;
    ASSERT_EQ(decode.size(), 5u);
    EXPECT_DOUBLE_EQ(decode[2].value.value_or(0), expected[i][0]) << "what the kernels permit this model";
    EXPECT_DOUBLE_EQ(decode[3].value.value_or(0), expected[i][1]);
    EXPECT_DOUBLE_EQ(decode[4].value.value_or(0), expected[i][2]);
    EXPECT_DOUBLE_EQ(model.waterfalls[i].lanes[2].steps[0].value.value_or(0), expected[i][3]);
  }
  EXPECT_EQ(model.waterfalls[0].label, "CPU (small)");
  EXPECT_EQ(model.waterfalls[0].model, "small.gguf");
  EXPECT_EQ(model.waterfalls[1].label, "CPU (large)");
  EXPECT_EQ(model.waterfalls[1].model, "large.gguf");
}

// A kernel of another type may be three times as fast, which the model cannot use.
TEST(Waterfall, TheKernelsOfPrefillAreThoseOfTheModelsType) {
  DossierContent content = device_content();
  content.records.reserve(32);
  add(content, 1, "matmul_tflop_per_s", 0.3, members({{"dtype", "q4_K"}, {"best", true}}));
  add(content, 1, "matmul_tflop_per_s", 0.1, members({{"dtype", "q4_1"}, {"best", true}}));
  add(content, 1, "matmul_tflop_per_s", 0.8, members({{"dtype", "q4_K"}, {"bound", "theoretical"}}),
      EvidenceClass::kDerived);
  add(content, 1, "matmul_tflop_per_s", 0.2, members({{"dtype", "q4_1"}, {"bound", "theoretical"}}),
      EvidenceClass::kDerived);
  Record& engine = add(content, 2, "prefill_tokens_per_s", 98,
                       members({{"weights_type", "Q4_1"}, {"flop_per_token", 1e9}}));
  {
    const Model model = *make_model(content, nullptr);
    EXPECT_DOUBLE_EQ(*step(model, 1, "kernels").value, 100);
    EXPECT_DOUBLE_EQ(*step(model, 1, "theoretical bound").value, 200);
    EXPECT_EQ(model.waterfalls[0].lanes[1].sentence,
              "The engine reaches 98.0 tokens/s: 98 % of what the measured matrix multiplication with Q4_1 "
              "weights permits, which is itself 50 % of the theoretical bound.");
  }
  engine.conditions.set("weights_type", "f16");
  {
    const Model model = *make_model(content, nullptr);
    EXPECT_FALSE(step(model, 1, "kernels").value);
    EXPECT_FALSE(step(model, 1, "theoretical bound").value);
    EXPECT_EQ(step(model, 1, "kernels").basis,
              "no matrix multiplication with f16 weights was measured on it");
    EXPECT_EQ(model.waterfalls[0].lanes[1].sentence,
              "The engine reaches 98.0 tokens/s; what the kernels permit it is not known: no matrix "
              "multiplication with f16 weights was measured on it.");
  }
  engine.conditions = members({{"flop_per_token", 1e9}});
  EXPECT_EQ(step(*make_model(content, nullptr), 1, "kernels").basis,
            "of what type the model's weights are is not known");
}

TEST(Waterfall, AnEfficiencyOfAnotherModelConvertsNothing) {
  DossierContent content = two_models();
  for (Record& record : content.records) {
    if (record.metric == "decode_tokens_per_s")
      record.conditions = members({{"model", record.conditions["model"]}});
  }
  // Derived over trials, so of no trial.
  add(content, 0, "engine_efficiency", 0.5, members({{"of", "decode"}, {"model", "small.gguf"}}),
      EvidenceClass::kDerived);
  const Model model = *make_model(content, nullptr);
  EXPECT_DOUBLE_EQ(model.waterfalls.at(0).lanes[0].steps[2].value.value_or(0), 400);
  EXPECT_FALSE(model.waterfalls.at(1).lanes[0].steps[2].value);
}

TEST(Batching, OfTwoModelsOnOneDeviceIsTwoSeries) {
  const DossierContent content = two_models();
  const Model model = *make_model(content, nullptr);
  ASSERT_EQ(model.devices.size(), 2u);
  for (const DeviceResult& device : model.devices) EXPECT_EQ(device.batching.records.size(), 1u);
  EXPECT_EQ(model.devices[1].label, "CPU (large)");
  EXPECT_NE(silicon_html(model).find("Engine on CPU (large)"), std::string::npos);
}

TEST(Answers, AreAlwaysEightAndNameWhatWouldExamine) {
  DossierContent content = device_content();
  EXPECT_EQ(make_model(content, nullptr)->answers[0].command, "assay run --resume --out DIR")
      << "it is unfinished";
  content.path = "results/dossier.assay";
  EXPECT_EQ(make_model(content, nullptr)->answers[0].command, "assay run --resume --out results");
  content.run.finished_at = "2026-01-01T00:00:00Z";
  content.verdicts = {{.id = 1, .question = 2, .answer = Answer::kNo, .reason = "too slow", .exam = "load"}};
  const Model model = *make_model(content, nullptr);
  ASSERT_EQ(model.answers.size(), 8u);
  EXPECT_EQ(model.answers[0].answer, Answer::kNotExamined);
  EXPECT_EQ(model.answers[0].command, "assay run --only load");
  EXPECT_EQ(model.answers[1].reason, "too slow");
  EXPECT_EQ(model.answers[4].reason, "no exam in this version");
}

// Requests of one class: `ttft_ms[i]` after its scheduled second i; a negative one failed.
std::vector<Sample> requests(const std::vector<double>& ttft_ms) {
  std::vector<int64_t> zero(ttft_ms.size(), 0), one(ttft_ms.size(), 1), tokens(ttft_ms.size(), 11), scheduled,
      first, last, failure;
  for (size_t i = 0; i < ttft_ms.size(); ++i) {
    const bool has_failed = ttft_ms[i] < 0;
    scheduled.push_back(static_cast<int64_t>(i) * 1'000'000'000);
    first.push_back(has_failed ? 0 : scheduled.back() + static_cast<int64_t>(ttft_ms[i] * 1e6));
    last.push_back(has_failed ? 0 : first.back() + 100'000'000);
    failure.push_back(has_failed ? 3 : 0);
  }
  std::vector<int64_t> end = last;
  for (size_t i = 0; i < end.size(); ++i) end[i] = std::max(end[i], scheduled[i] + 1'000'000);
  Columns columns;
  columns.add("class", zero);
  columns.add("scheduled_ns", scheduled);
  columns.add("first_ns", first);
  columns.add("last_ns", last);
  columns.add("end_ns", end);
  columns.add("output_tokens", tokens);
  columns.add("failure", failure);
  columns.add("in_window", one);
  columns.add("good", one);
  return {{.id = 1, .trial_id = 3, .name = "requests", .columns = columns}};
}

TEST(Curves, FailedRequestsNeverArrive) {
  const DossierContent content = device_content();
  const std::vector<Sample> samples = requests({30, 10, -1, 20});
  const RequestTable table = *request_table(content.trials[2], samples);
  const Curve curve = make_curve(table, 0, "ttft_ms", "mix");
  EXPECT_EQ(curve.n, 4);
  EXPECT_EQ(curve.failed, 1);
  EXPECT_EQ(curve.x, (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(curve.share, (std::vector<double>{0.25, 0.5, 0.75}));
  EXPECT_DOUBLE_EQ(make_curve(table, 0, "tpot_ms", "mix").x[0], 10);  // 100 ms over ten gaps
}

TEST(Curves, AndTimelinesAreThinnedWithTheirEndsKept) {
  const DossierContent content = device_content();
  std::vector<double> ttft_ms;
  for (int i = 1; i <= 5000; ++i) ttft_ms.push_back(i);
  const std::vector<Sample> samples = requests(ttft_ms);
  const RequestTable table = *request_table(content.trials[2], samples);
  const Curve curve = make_curve(table, 0, "ttft_ms", "mix");
  EXPECT_EQ(curve.x.size(), kCurvePoints);
  EXPECT_EQ(curve.x.front(), 1);
  EXPECT_EQ(curve.x.back(), 5000);
  EXPECT_EQ(curve.share.back(), 1);
  const Timeline timeline = make_timeline(table, 3);
  EXPECT_LE(timeline.spans.size(), kTimelineSpans);
  EXPECT_GT(timeline.spans.size(), kTimelineSpans / 2);
  EXPECT_LE(timeline.arrivals_per_s.size(), kTimelineBins);
  double arrivals = 0;
  for (const double rate : timeline.arrivals_per_s) arrivals += rate * timeline.bin_s;
  EXPECT_NEAR(arrivals, 5000, 1e-6) << "the curves count all";
}

// As docs/load.md: with its first token, as far as it came, and with nothing that ended.
TEST(Curves, RequestsBrokenOffByPlanHaveTheirFirstTokenAndNeverFailed) {
  const DossierContent content = device_content();
  std::vector<Sample> samples = requests({30, 10, -1, 20, 15});
  samples[0].columns.columns[6].integers[2] = 13;  // before its first token
  samples[0].columns.columns[6].integers[3] = 13;
  const RequestTable table = *request_table(content.trials[2], samples);
  const Curve ttft = make_curve(table, 0, "ttft_ms", "mix"), e2e = make_curve(table, 0, "e2e_ms", "mix");
  EXPECT_EQ(ttft.x, (std::vector<double>{10, 15, 20, 30}));
  EXPECT_EQ(ttft.failed, 0);
  EXPECT_EQ(ttft.n, 4);
  EXPECT_EQ(e2e.n, 3);
  EXPECT_EQ(make_curve(table, 0, "tpot_ms", "mix").n, 3);
  const Timeline timeline = make_timeline(table, 3);
  const auto count = [&](SpanOutcome outcome) {
    return std::ranges::count(timeline.spans, outcome, &RequestSpan::outcome);
  };
  EXPECT_EQ(count(SpanOutcome::kBrokenOff), 2);
  EXPECT_EQ(count(SpanOutcome::kFailed), 0);
  EXPECT_EQ(count(SpanOutcome::kMissed), 0);
  double ended = 0;
  for (const double rate : timeline.completions_per_s) ended += rate * timeline.bin_s;
  EXPECT_NEAR(ended, 3, 1e-9);
}

TEST(Samples, OfOddShapeAreNoTable) {
  const DossierContent content = device_content();
  std::vector<Sample> samples = requests({10, 20});
  samples[0].columns.columns[2].integers.pop_back();
  EXPECT_FALSE(request_table(content.trials[2], samples));
  EXPECT_FALSE(request_table(content.trials[2], {}));
}

TEST(Timeline, PassesOverClassesThatAreNotThere) {
  const DossierContent content = device_content();
  std::vector<Sample> samples = requests({10, 20});
  samples[0].columns.columns[0].integers = {7, -3};
  const RequestTable table = *request_table(content.trials[2], samples);
  EXPECT_TRUE(make_timeline(table, 3).spans.empty());
}

TEST(Model, FollowsNoIdThatLeadsNowhere) {
  DossierContent content = device_content();
  add(content, 99, "ttft_ms_p50", 1, members({{"traffic_class", "chat"}, {"phase", "mix"}})).subject_id = 77;
  content.findings = {{.id = 1, .trial_id = 55, .subject_id = 44, .severity = Severity::kDoubtful}};
  const Result<Model> model = make_model(content, nullptr);
  ASSERT_TRUE(model);
  EXPECT_TRUE(model->servings.empty());
  EXPECT_EQ(model->doubts, 1);
}

TEST(Roofline, NamesTheBestOfEachTypeAndHidesNoCeiling) {
  DossierContent content = device_content();
  content.records.reserve(32);
  add(content, 1, "matmul_tflop_per_s", 0.1, members({{"dtype", "f16"}, {"flop_per_byte", 10.0}}));
  add(content, 1, "matmul_tflop_per_s", 0.2,
      members({{"dtype", "f16"}, {"flop_per_byte", 100.0}, {"best", true}}));
  add(content, 1, "matmul_tflop_per_s", 0.4, members({{"dtype", "f16"}, {"bound", "theoretical"}}),
      EvidenceClass::kDerived);
  add(content, 1, "memory_bandwidth_gb_per_s", 30,
      members({{"kernel", "triad"}, {"flop_per_byte", 0.167}, {"best", true}}));
  const Model model = *make_model(content, nullptr);
  ASSERT_EQ(model.rooflines.size(), 1u);
  const Roofline& roofline = model.rooflines[0];
  ASSERT_EQ(roofline.points.size(), 3u);
  EXPECT_FALSE(roofline.points[0].is_best);
  EXPECT_TRUE(roofline.points[1].is_best);
  EXPECT_NEAR(roofline.points[2].tflop_per_s, 30 * 0.167 / 1000, 1e-12);
  EXPECT_EQ(roofline.ceilings.size(), 3u);
}

// Of one triad in a cache and one in memory, and a matrix-vector product that beats both slopes.
TEST(Roofline, APointAboveTheMemorysRoofHasAnotherRoofOrAnExplanation) {
  DossierContent content = device_content();
  content.records.reserve(32);
  add(content, 1, "matmul_tflop_per_s", 1,
      members({{"kernel", "matmul"}, {"dtype", "f16"}, {"flop_per_byte", 100.0}, {"best", true}}))
      .unit = "TFLOP/s";
  add(content, 1, "memory_bandwidth_gb_per_s", 40,
      members({{"kernel", "copy"}, {"memory", "ram"}, {"best", true}}))
      .unit = "GB/s";
  add(content, 1, "memory_bandwidth_gb_per_s", 300,
      members({{"kernel", "triad"}, {"memory", "cache"}, {"flop_per_byte", 0.1}}))
      .unit = "GB/s";
  Model model = *make_model(content, nullptr);
  const auto has_caches = [&] {
    return std::ranges::any_of(model.rooflines.at(0).ceilings, [](const RooflineCeiling& each) {
      return each.name == "caches best kernel 300 GB/s";
    });
  };
  EXPECT_TRUE(has_caches());
  EXPECT_EQ(model.rooflines[0].above,
            "Above the memory's roof lies what keeps its data in caches, which have a roof of their own.");
  EXPECT_NE(silicon_html(model).find("which have a roof of their own"), std::string::npos);

  add(content, 1, "matmul_tflop_per_s", 0.5,
      members({{"kernel", "matrix-vector"}, {"dtype", "f16"}, {"flop_per_byte", 1.0}}));
  model = *make_model(content, nullptr);
  EXPECT_NE(model.rooflines[0].above.find("matrix-vector f16 lies above every roof"), std::string::npos)
      << model.rooflines[0].above;

  // Where nothing lies above it, the memory's roof is the only slope.
  content.records.resize(2);
  model = *make_model(content, nullptr);
  EXPECT_FALSE(has_caches());
  EXPECT_EQ(model.rooflines[0].above, "");
}

// What a kit measured stands beside the engine's kernels on the same device.
TEST(Roofline, NamesWhoseKernelsEachIsWhereAKitHasMeasured) {
  DossierContent content = device_content();
  content.records.reserve(32);
  const auto of = [](double intensity, const char* key, const char* library, const char* kit) {
    return members({{"kernel", "matmul"},
                    {"dtype", "f16"},
                    {"flop_per_byte", intensity},
                    {"best", true},
                    {key, library},
                    {"kit", kit}});
  };
  add(content, 1, "matmul_tflop_per_s", 0.1, of(90.0, "kernels_of", "ggml", "")).unit = "TFLOP/s";
  add(content, 1, "matmul_tflop_per_s", 0.4,
      of(100.0, "library", "oneDNN through PyTorch 2.13.0", "torch-roofline"))
      .unit = "TFLOP/s";
  const Model model = *make_model(content, nullptr);
  ASSERT_EQ(model.rooflines.size(), 1u);
  const Roofline& roofline = model.rooflines[0];
  ASSERT_EQ(roofline.points.size(), 2u);
  EXPECT_EQ(roofline.points[0].group, "matmul f16 · ggml");
  EXPECT_EQ(roofline.points[1].group, "matmul f16 · oneDNN");
  EXPECT_FALSE(roofline.points[0].is_best);
  EXPECT_TRUE(roofline.points[1].is_best) << "the best is named, whoever's it is";
  ASSERT_EQ(roofline.ceilings.size(), 1u) << "the higher one is the roof";
  EXPECT_EQ(roofline.ceilings[0].name, "compute f16 best kernel 0.400 TFLOP/s · oneDNN");
  EXPECT_NE(silicon_html(model).find("2 kernels: 1 of ggml, 1 of oneDNN through PyTorch 2.13.0"),
            std::string::npos);
}

// A device that multiplies f32 at half of its bound, and int8 at `int8_bound` TFLOP/s at most.
DossierContent f32_at_half(double int8_bound) {
  DossierContent content = device_content();
  content.records.reserve(32);
  add(content, 1, "matmul_tflop_per_s", 1,
      members({{"dtype", "f32"}, {"flop_per_byte", 100.0}, {"best", true}}));
  add(content, 1, "matmul_tflop_per_s", int8_bound, members({{"dtype", "q8_0"}, {"bound", "theoretical"}}),
      EvidenceClass::kDerived);
  return content;
}

TEST(Roofline, AKernelIsHeldAgainstTheBoundOfItsOwnType) {
  DossierContent content = f32_at_half(8);
  // Within 5 % of another's, which the chart leaves out.
  for (const auto& [dtype, bound] : {std::pair{"f32", 2.0}, {"bf16", 2.05}}) {
    add(content, 1, "matmul_tflop_per_s", bound, members({{"dtype", dtype}, {"bound", "theoretical"}}),
        EvidenceClass::kDerived);
  }
  const Model model = *make_model(content, nullptr);
  EXPECT_NE(silicon_html(model).find("reaches 1.00 TFLOP/s, 50&nbsp;% of its theoretical bound"),
            std::string::npos);
  EXPECT_EQ(*theoretical_bound(model, content.subjects[1], "matmul_tflop_per_s", std::nullopt)->value, 8);
}

TEST(Roofline, WithoutABoundOfItsTypeAKernelIsHeldAgainstNone) {
  DossierContent content = f32_at_half(8);
  add(content, 2, "prefill_tokens_per_s", 100, members({{"flop_per_token", 1e9}, {"weights_type", "f32"}}));
  const Model model = *make_model(content, nullptr);
  EXPECT_EQ(silicon_html(model).find("of its theoretical bound"), std::string::npos);
  EXPECT_EQ(step(model, 1, "theoretical bound").basis, "no bound is known for it with f32 weights");
  EXPECT_DOUBLE_EQ(*step(model, 1, "kernels").value, 1000);
}

// Whose largest stands where there are too few for a median.
TEST(Serving, TellsOfHowManyConnectionsARoundTripIs) {
  DossierContent content = device_content();
  add(content, 3, "round_trip_ms_max", 5.2, members({{"phase", "mix"}, {"traffic_class", "all"}})).n = 8;
  const std::string page = serving_html(*make_model(content, nullptr));
  EXPECT_NE(page.find("network round trip, max"), std::string::npos) << page;
  EXPECT_NE(page.find("data-sort=\"8\">8</td>"), std::string::npos) << page;
}

}  // namespace assay::model_test
