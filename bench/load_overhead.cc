// What the load generator costs: CPU time per token event and peak memory for 10,000 requests, against the
// fake target on a clock that nobody waits for. The fake target's own work is part of the figure.
//   bench/load_overhead [requests] [tokens per answer]
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>

#include "load/load.h"

namespace {

using namespace assay;

double cpu_s() {
  return seconds(SystemClock().cpu_time());
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::vector<PlannedRequest> plan_of(size_t requests, uint32_t tokens) {
  std::vector<PlannedRequest> plan(requests);
  double at_s = 0;
  for (size_t i = 0; i < requests; ++i) {
    at_s += Random(1, random_stream("bench arrivals"), i).exponential() / 50;
    plan[i].request = {.id = i + 1,
                       .class_index = static_cast<uint32_t>(i % 4),
                       .corpus = "prose",
                       .prompt_tokens = 100,
                       .output_tokens = tokens};
    plan[i].offset = nanos_from_seconds(at_s);
  }
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t requests = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000;
  const auto tokens = static_cast<uint32_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200);
  const auto plan = plan_of(requests, tokens);
  FakeClock clock;
  const auto target = make_fake_target({.sequences = 128, .prefill_us_per_token = 200, .tpot_ms = 5}, clock);
  size_t ticks = 0;
  LoadOptions options;
  options.progress = [&](const LoadProgress&) { ++ticks; };

  const double before = cpu_s();
  const LoadResult result = drive_load(*target, clock, *list_source(plan), options);
  const double driven = cpu_s();
  const auto events = static_cast<double>(result.chunk_at_ns.size());
  fmt::print("{} requests, {:.0f} token events, {:.1f} s of simulated time\n", result.rows.size(), events,
             seconds(result.duration));
  fmt::print("drive:     {:.3f} s CPU, {:.3f} µs per token event, peak {:.0f} MiB\n", driven - before,
             (driven - before) * 1e6 / events, peak_mib());

  SummaryOptions summary_options;
  for (const char* name : {"chat", "rag", "code", "batch"}) {
    summary_options.classes.push_back({.name = name, .slo = {.ttft_ms = 1000}});
  }
  const LoadSummary summary = summarise_load(result, summary_options);
  const double summarised = cpu_s();
  fmt::print("summarise: {:.3f} s CPU for {} records, {:.3f} µs per token event, peak {:.0f} MiB\n",
             summarised - driven, summary.records.size(), (summarised - driven) * 1e6 / events, peak_mib());
}
