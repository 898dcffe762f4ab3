// Requests in the terms of the metrics; see trial_view.h.
#include "load/trial_view.h"

#include <algorithm>
#include <cmath>

namespace assay {

double ttft_ms(const RequestRow& row) {
  return milliseconds(row.first - row.scheduled);
}
double e2e_ms(const RequestRow& row) {
  return milliseconds(row.last - row.scheduled);
}
bool has_tpot(const RequestRow& row) {
  return row.output_tokens >= 2 && row.last > row.first;
}
double tpot_ms(const RequestRow& row) {
  return milliseconds(row.last - row.first) / (row.output_tokens - 1);
}
bool ended_well(const RequestRow& row) {
  return row.failure == FailureCause::kNone && row.first.count != 0;
}

bool was_broken_off(const RequestRow& row) {
  return row.failure == FailureCause::kCancelledByPlan;
}

bool is_good(const RequestRow& row, const Slo& slo) {
  return ended_well(row) && !(slo.ttft_ms && ttft_ms(row) > *slo.ttft_ms) &&
         !(slo.tpot_ms && has_tpot(row) && tpot_ms(row) > *slo.tpot_ms) &&
         !(slo.e2e_ms && e2e_ms(row) > *slo.e2e_ms);
}

WorstLag worst_lag(std::vector<double> lags_ms) {
  if (lags_ms.empty()) return {};
  std::ranges::sort(lags_ms);
  const auto rank = static_cast<size_t>(std::ceil(0.999 * static_cast<double>(lags_ms.size())));
  return {.ms = lags_ms[rank - 1], .statistic = rank < lags_ms.size() ? "p99.9" : "maximum"};
}

namespace {

// Whether all requests were to come at once, by their arrivals or as the only ones of a closed loop's users,
// and did: users who pause first do not.
bool is_burst(const LoadResult& result, const SummaryOptions& options) {
  const Json& conditions = options.rate_conditions;
  const auto comes_at_once = [&](const std::string& arrivals) {
    const auto users = static_cast<size_t>(std::max<int64_t>(0, conditions["users"].as_integer()));
    return arrivals == name_of(Arrivals::Kind::kBurst) ||
           (arrivals == name_of(Arrivals::Kind::kClosed) && users >= result.planned);
  };
  const bool is_planned = comes_at_once(conditions["arrivals"].as_string()) &&
                          std::ranges::all_of(options.classes, [&](const TrafficClass& each) {
                            return !each.arrivals || comes_at_once(name_of(each.arrivals->kind));
                          });
  if (!is_planned || result.rows.empty()) return false;
  const Nanos first = std::ranges::min(result.rows, {}, &RequestRow::scheduled).scheduled;
  return result.last_arrival - first <= kBetweenAtOnce * static_cast<int64_t>(result.rows.size());
}

}  // namespace

TrialView::TrialView(const LoadResult& from, const SummaryOptions& with)
    : result(from),
      options(with),
      window(choose_window(from, with.classes.size(), with.wanted_per_class, is_burst(from, with))) {
  order.reserve(result.rows.size());
  for (const RequestRow& row : result.rows) order.push_back(&row);
  std::ranges::stable_sort(order, {}, [](const RequestRow* row) { return row->scheduled; });
}

bool TrialView::is_good(const RequestRow& row) const {
  return assay::is_good(row, options.classes[row.class_index].slo);
}

std::vector<double> TrialView::dispatch_lags_ms() const {
  std::vector<double> lags;
  for (const RequestRow* row : order) {
    if (row->dispatched.count != 0) lags.push_back(milliseconds(row->dispatched - row->scheduled));
  }
  return lags;
}

std::vector<double> TrialView::send_lags_ms() const {
  std::vector<double> lags;
  for (const RequestRow* row : order) {
    if (row->sent.count != 0) lags.push_back(milliseconds(row->sent - row->scheduled));
  }
  return lags;
}

}  // namespace assay
