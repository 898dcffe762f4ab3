// Timing models in simulated time: what they promise, and what queueing theory says of the queue.
#include "emulate/timing.h"

#include <gmock/gmock.h>

#include <functional>
#include <queue>

namespace assay::timing_test {

using ::testing::HasSubstr;

constexpr Nanos ms(double value) {
  return nanos_from_ms(value);
}

std::unique_ptr<TimingModel> model_of(const TimingOptions& options) {
  auto model = make_timing_model(options);
  EXPECT_TRUE(model) << model.error().message();
  return std::move(*model);
}

Schedule only_schedule(TimingModel& model, const TimedRequest& request) {
  std::vector<Admission> admitted;
  model.arrive(request, admitted);
  EXPECT_EQ(admitted.size(), 1);
  return admitted.empty() ? Schedule{} : admitted[0].schedule;
}

TEST(Timing, ConstantCountsFromTheArrival) {
  const auto model = model_of({.model = "constant", .ttft = ms(50), .gap = ms(10)});
  const Schedule schedule = only_schedule(*model, {.arrival = ms(1000.5)});
  EXPECT_EQ(schedule.first, ms(1050.5));
  EXPECT_EQ(schedule.gap, ms(10));
  EXPECT_EQ(model->state().running, 1);
}

TEST(Timing, WavesPutAllStreamsOnOneGrid) {
  const auto model = model_of({.model = "constant", .ttft = ms(50), .gap = ms(20), .waves = true});
  EXPECT_EQ(only_schedule(*model, {.arrival = ms(1001)}).first, ms(1060));
  EXPECT_EQ(only_schedule(*model, {.arrival = ms(1009)}).first, ms(1060));
  EXPECT_EQ(only_schedule(*model, {.arrival = ms(1010)}).first, ms(1060)) << "an instant on the grid stays";
  EXPECT_EQ(only_schedule(*model, {.arrival = ms(1010.001)}).first, ms(1080));
}

TEST(Timing, CoalescedSendsAllAtOnce) {
  const auto model = model_of({.model = "coalesced", .ttft = ms(3)});
  const Schedule schedule = only_schedule(*model, {.arrival = ms(1)});
  EXPECT_EQ(schedule.first, ms(4));
  EXPECT_EQ(schedule.gap, Nanos());
}

TEST(Timing, AScriptSaysItRequestByRequestAndBeginsAnew) {
  const auto parsed = parse_timing_script(
      "# two requests\n{\"ttft_ms\": 5, \"gaps_ms\": [1, 2.5]}\n\n{\"ttft_ms\": 7, \"tokens\": 4}\n", "s",
      ms(9));
  ASSERT_TRUE(parsed) << parsed.error().message();
  TimingModel& model = **parsed;
  EXPECT_EQ(model.answer_tokens(0), 3);
  EXPECT_EQ(model.answer_tokens(1), 4);
  const Schedule first = only_schedule(model, {.index = 2, .arrival = ms(100)});
  EXPECT_EQ(first.first, ms(105));
  EXPECT_THAT(first.gaps, ::testing::ElementsAre(ms(1), ms(2.5)));
  const Schedule second = only_schedule(model, {.index = 1, .arrival = ms(100)});
  EXPECT_EQ(second.first, ms(107));
  EXPECT_EQ(second.gap, ms(9));
}

TEST(Timing, BadScriptsAreErrorsWithTheirLine) {
  const auto error = [](std::string_view text) {
    return parse_timing_script(text, "s.jsonl", ms(1)).error().message();
  };
  EXPECT_THAT(error("{\"ttft_ms\": 5}\n{\"gaps_ms\": []}\n"), HasSubstr("s.jsonl:2: no ttft_ms"));
  EXPECT_THAT(error("{\"ttft_ms\": 5, \"gaps_ms\": [-1]}"), HasSubstr("s.jsonl:1: a gap"));
  EXPECT_THAT(error("{\"ttft_ms\": 5, \"tokens\": -1}"), HasSubstr("tokens must lie"));
  EXPECT_THAT(error("nonsense"), HasSubstr("s.jsonl:1"));
  EXPECT_THAT(error("\n"), HasSubstr("no line"));
}

TEST(Timing, TheQueueServesInOrderAndSoManyAtOnce) {
  const auto model =
      model_of({.model = "queue", .sequences = 2, .prefill_per_token = Nanos(100'000), .tpot = ms(10)});
  std::vector<Admission> admitted;
  for (uint32_t i = 0; i < 3; ++i)
    model->arrive({.slot = i, .index = i, .arrival = ms(i), .prompt_tokens = 50, .output_tokens = 3},
                  admitted);
  ASSERT_EQ(admitted.size(), 2);
  EXPECT_EQ(admitted[1].schedule.start, ms(1));
  EXPECT_EQ(admitted[1].schedule.first, ms(1 + 5 + 10)) << "50 tokens at 0.1 ms, and one step";
  EXPECT_EQ(model->state().waiting, 1);
  admitted.clear();
  // The first ends with its last token, and the third begins at that very instant, however late this is told.
  model->leave({.index = 0, .prompt_tokens = 50, .output_tokens = 3}, true, ms(35), admitted);
  ASSERT_EQ(admitted.size(), 1);
  EXPECT_EQ(admitted[0].slot, 2);
  EXPECT_EQ(admitted[0].schedule.start, ms(35));
  EXPECT_EQ(admitted[0].schedule.first, ms(50));
}

TEST(Timing, WhoDoesNotFitIntoTheKvCacheWaitsAndHoldsUpTheRest) {
  const auto model = model_of({.model = "queue", .sequences = 8, .tpot = ms(1), .kv_tokens = 100});
  std::vector<Admission> admitted;
  const TimedRequest large{.slot = 0, .index = 0, .prompt_tokens = 50, .output_tokens = 10};
  const TimedRequest larger{.slot = 1, .index = 1, .prompt_tokens = 80, .output_tokens = 10};
  const TimedRequest small{.slot = 2, .index = 2, .prompt_tokens = 1, .output_tokens = 1};
  model->arrive(large, admitted);
  model->arrive(larger, admitted);
  model->arrive(small, admitted);
  EXPECT_EQ(admitted.size(), 1);
  EXPECT_EQ(model->state().kv_tokens, 60);
  admitted.clear();
  model->leave(large, true, ms(10), admitted);
  EXPECT_EQ(admitted.size(), 2);
  EXPECT_EQ(model->state().kv_tokens, 92);
  EXPECT_FALSE(model->fits({.prompt_tokens = 95, .output_tokens = 6}));
}

TEST(Timing, WhoeverGoesAwayWhileWaitingIsForgotten) {
  const auto model = model_of({.model = "queue", .sequences = 1, .tpot = ms(1)});
  std::vector<Admission> admitted;
  for (uint32_t i = 0; i < 3; ++i) model->arrive({.slot = i, .index = i}, admitted);
  admitted.clear();
  model->leave({.slot = 1, .index = 1}, false, ms(1), admitted);
  EXPECT_TRUE(admitted.empty());
  model->leave({.slot = 0, .index = 0}, true, ms(2), admitted);
  ASSERT_EQ(admitted.size(), 1);
  EXPECT_EQ(admitted[0].slot, 2);
  EXPECT_EQ(admitted[0].schedule.start, ms(2));
}

TEST(Timing, OptionsThatMeanNothingAreRefused) {
  const auto error = [](const TimingOptions& options) {
    return make_timing_model(options).error().message();
  };
  EXPECT_THAT(error({.model = "constnat"}), HasSubstr("Did you mean 'constant'?"));
  EXPECT_THAT(error({.model = "script"}), HasSubstr("--script FILE"));
  EXPECT_THAT(error({.model = "queue", .service = "exponental"}), HasSubstr("Did you mean 'exponential'?"));
  EXPECT_THAT(error({.model = "queue", .service = "exponential"}), HasSubstr("--service-ms"));
  EXPECT_THAT(error({.model = "coalesced", .waves = true}), HasSubstr("no steps"));
  EXPECT_THAT(error({.model = "constant", .gap = Nanos(), .waves = true}), HasSubstr("--gap-ms"));
}

// The mean wait between arrival and start of Poisson arrivals at `rate_per_s`, in ms. Departures are told to
// the model in their order among the arrivals, as the server does.
double mean_wait_ms(const TimingOptions& options, double rate_per_s, int requests) {
  const auto model = model_of(options);
  struct Departure {
    Nanos at;
    TimedRequest request;
    bool operator>(const Departure& other) const { return at > other.at; }
  };
  std::priority_queue<Departure, std::vector<Departure>, std::greater<>> departures;
  std::vector<TimedRequest> all(static_cast<size_t>(requests));
  std::vector<Admission> admitted;
  double wait_ms = 0;
  const auto take = [&] {
    for (const Admission& admission : admitted) {
      const TimedRequest& request = all[admission.slot];
      wait_ms += milliseconds(admission.schedule.start - request.arrival);
      departures.push(
          {admission.schedule.first + admission.schedule.gap * (request.output_tokens - 1), request});
    }
    admitted.clear();
  };
  const auto depart_until = [&](Nanos until) {
    while (!departures.empty() && departures.top().at <= until) {
      const Departure departure = departures.top();
      departures.pop();
      model->leave(departure.request, true, departure.at, admitted);
      take();
    }
  };
  Nanos at{};
  for (uint32_t i = 0; i < all.size(); ++i) {
    at += nanos_from_seconds(Random(7, random_stream("test arrivals"), i).exponential() / rate_per_s);
    depart_until(at);
    all[i] = {.slot = i, .index = i, .arrival = at, .prompt_tokens = 1, .output_tokens = 4};
    model->arrive(all[i], admitted);
    take();
  }
  depart_until(kNever);
  return wait_ms / requests;
}

// Kleinrock, Queueing Systems I (1975), §3.2 and §5.6: W = ρ/(μ − λ) for M/M/1, half of that for M/D/1.
TEST(TimingInTheory, WaitsAsAnMM1Queue) {
  // λ 70/s, μ 100/s: 23.33 ms. 400,000 requests leave a standard error of about 1 %.
  const double wait_ms = mean_wait_ms(
      {.model = "queue", .sequences = 1, .service = "exponential", .mean_service = ms(10), .seed = 3}, 70,
      400'000);
  EXPECT_NEAR(wait_ms, 23.33, 23.33 * 0.03);
}

TEST(TimingInTheory, WaitsAsAnMD1Queue) {
  const double wait_ms = mean_wait_ms(
      {.model = "queue", .sequences = 1, .service = "deterministic", .mean_service = ms(10)}, 70, 400'000);
  EXPECT_NEAR(wait_ms, 11.67, 11.67 * 0.02);
}

TEST(TimingInTheory, WaitsAsAnMM2Queue) {
  // Erlang's C with c = 2, ρ = 0.7: P(wait) = 2ρ²/(1 + ρ) = 0.5765; W = P/(2μ − λ) = 9.608 ms at λ 140/s.
  const double wait_ms = mean_wait_ms(
      {.model = "queue", .sequences = 2, .service = "exponential", .mean_service = ms(10), .seed = 3}, 140,
      400'000);
  EXPECT_NEAR(wait_ms, 9.608, 9.608 * 0.03);
}

}  // namespace assay::timing_test
