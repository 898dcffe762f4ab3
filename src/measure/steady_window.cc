// MSER-5 over latencies in the order of their scheduled instants; see steady_window.h.
#include "measure/steady_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/base.h"
#include "measure/estimate.h"

namespace assay {
namespace {

constexpr size_t kBatch = 5;
constexpr size_t kMinBatches = 10;

std::map<int32_t, double> medians_by_group(std::span<const SteadyObservation> observations) {
  std::map<int32_t, std::vector<double>> latencies;
  for (const SteadyObservation& each : observations) latencies[each.group].push_back(each.latency);
  std::map<int32_t, double> medians;
  for (auto& [group, values] : latencies) {
    std::sort(values.begin(), values.end());
    medians[group] = sorted_quantile(values, 0.5);
  }
  return medians;
}

// Means of batches of relative latencies; what is left over at the end belongs to no batch.
std::vector<double> batch_means(std::span<const SteadyObservation> in_order,
                                const std::map<int32_t, double>& medians) {
  std::vector<double> means;
  for (size_t first = 0; first + kBatch <= in_order.size(); first += kBatch) {
    double sum = 0;
    for (const SteadyObservation& each : in_order.subspan(first, kBatch)) {
      const double median = medians.at(each.group);
      sum += median > 0 ? each.latency / median : each.latency;
    }
    means.push_back(sum / static_cast<double>(kBatch));
  }
  return means;
}

// The number of batches to cut. Sums run from the end, so that each cut costs one step; values are taken
// relative to the overall mean to keep the difference of squares exact.
size_t mser_cut(const std::vector<double>& means) {
  double overall = 0;
  for (const double mean : means) overall += mean / static_cast<double>(means.size());
  size_t best_cut = 0;
  double best = 0, sum = 0, squares = 0;
  // Fewer than five batches left say nothing about a variance.
  for (size_t cut = means.size(); cut-- > 0;) {
    const double value = means[cut] - overall;
    sum += value;
    squares += value * value;
    const double left = static_cast<double>(means.size() - cut);
    if (left < 5) continue;
    const double statistic = std::max(0.0, squares - sum * sum / left) / (left * left);
    if (left == 5 || statistic <= best) {
      best = statistic;
      best_cut = cut;
    }
  }
  return best_cut;
}

void count(std::span<const SteadyObservation> in_order, SteadyWindow& window) {
  for (const SteadyObservation& each : in_order) {
    if (each.scheduled_ns < window.start_ns) ++window.n_before;
    if (each.scheduled_ns >= window.start_ns && each.scheduled_ns <= window.end_ns) ++window.n_inside;
  }
}

}  // namespace

SteadyWindow find_steady_window(std::span<const SteadyObservation> observations, int64_t first_scheduled_ns,
                                int64_t last_scheduled_ns) {
  std::vector<SteadyObservation> in_order(observations.begin(), observations.end());
  std::stable_sort(in_order.begin(), in_order.end(),
                   [](const auto& a, const auto& b) { return a.scheduled_ns < b.scheduled_ns; });
  const std::vector<double> means = batch_means(in_order, medians_by_group(in_order));
  SteadyWindow window{.start_ns = first_scheduled_ns, .end_ns = last_scheduled_ns};
  if (means.size() < kMinBatches) {
    window.method = fmt::format(
        "MSER-5: {} answers are too few to tell warm-up from steady state (needs {}); nothing cut",
        in_order.size(), kMinBatches * kBatch);
    count(in_order, window);
    return window;
  }
  const size_t cut = mser_cut(means);
  if (cut > means.size() / 2) {
    window.method = "MSER-5: latencies still trend in the second half; no steady state, nothing cut";
    count(in_order, window);
    return window;
  }
  window.settled = true;
  if (cut > 0) window.start_ns = in_order[cut * kBatch].scheduled_ns;
  count(in_order, window);
  window.method =
      fmt::format("MSER-5: the first {} of {} answers cut as warm-up; ends at the last scheduled arrival",
                  window.n_before, in_order.size());
  return window;
}

}  // namespace assay
