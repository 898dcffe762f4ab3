// Decides rates and proposes the next; see capacity_search.h.
#include "load/capacity/capacity_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/base.h"

namespace assay {
namespace {

constexpr double kLeastRate = 1e-4, kMostRate = 1e6;  // requests per second
constexpr size_t kEvenRates = 8;                      // that share half of the error evenly
// A trial lasts as many answers as this at least, so that the load is up before most of it arrives, and
// takes that part of the budget at most.
constexpr double kLeastResponses = 8;
constexpr double kLeastDurationS = 2;
constexpr double kMostOfBudget = 0.25;
constexpr double kCut = 0.8;                  // of a trial's requests that count, warm-up and end left out
constexpr double kMostDependenceAtFirst = 2;  // a first trial is short: what clearly fails shows in it
constexpr double kSpare = 1.5;                // over what is expected to suffice
// A rate may take this part of the budget before those around it are tried.
constexpr double kPatience = 0.15;
// Of the budget; what is left then is too short for a trial that would tell anything.
constexpr double kTooLittle = 0.01;
// Stretches of rates whose outcomes a rate is tested by, as the farthest rate over its own, and their
// weights.
struct Stretch {
  double reach, weight;
};
constexpr Stretch kStretches[] = {{1, 0.4}, {1.02, 0.2}, {1.06, 0.2}, {1.2, 0.2}};
constexpr double kSameRate = 1e-9;

// ln(1/α_i) of the i-th rate, from 0: half of α evenly over the first, the rest as 1/(j(j+1)).
double log_threshold_of(size_t i, double confidence) {
  const double alpha = 1 - confidence;
  if (i < kEvenRates) return std::log(2 * kEvenRates / alpha);
  const auto j = static_cast<double>(i - kEvenRates + 1);
  return std::log(2 * j * (j + 1) / alpha);
}

}  // namespace

std::string_view name_of(RateVerdict verdict) {
  switch (verdict) {
    case RateVerdict::kOpen:
      return "open";
    case RateVerdict::kHolds:
      return "holds";
    case RateVerdict::kFails:
      return "fails";
  }
  std::unreachable();
}

CapacitySearch::CapacitySearch(CapacityOptions options)
    : options_(std::move(options)), response_s_(options_.response_s) {
  CHECK(options_.confidence > 0 && options_.confidence < 1 && options_.resolution > 0 &&
        options_.budget_s > 0 && options_.start_rate_per_s > 0 && !options_.required.empty());
  for (const auto& tier : options_.required) {
    CHECK(tier.size() == options_.class_shares.size());
    CHECK(std::ranges::any_of(tier, [](const auto& share) { return share.has_value(); }));
  }
}

// ---- outcomes ----

CapacitySearch::Point& CapacitySearch::point(double rate) {
  const auto found = std::ranges::find(points_, rate, &Point::rate);
  if (found != points_.end()) return *found;
  Point point{.rate = rate, .log_threshold = log_threshold_of(points_.size(), options_.confidence)};
  const size_t tiers = options_.required.size();
  point.counts.assign(tiers, std::vector<ShareCounts>(options_.class_shares.size()));
  point.verdicts.assign(tiers, RateVerdict::kOpen);
  return points_.emplace_back(std::move(point));
}

const CapacitySearch::Point* CapacitySearch::find(double rate) const {
  const auto found = std::ranges::find(points_, rate, &Point::rate);
  return found == points_.end() ? nullptr : &*found;
}

void CapacitySearch::add(const CapacityTrial& trial) {
  spent_s_ += trial.took_s;
  if (trial.is_void) {
    if (++voids_in_a_row_ == kMostVoidsInARow) end_ = CapacityEnd::kVoid;
    return;
  }
  voids_in_a_row_ = 0;
  Point& at = point(trial.rate_per_s);
  at.spent_s += trial.took_s;
  CHECK(trial.counts.size() == at.counts.size());
  for (size_t tier = 0; tier < at.counts.size(); ++tier) {
    CHECK(trial.counts[tier].size() == at.counts[tier].size());
    for (size_t i = 0; i < at.counts[tier].size(); ++i) {
      ShareCounts& all = at.counts[tier][i];
      const ShareCounts& more = trial.counts[tier][i];
      if (more.n == 0) continue;
      const auto before = static_cast<double>(all.n), come = static_cast<double>(more.n);
      all.dependence = (before * all.dependence + come * more.dependence) / (before + come);
      all.n += more.n;
      all.good += more.good;
    }
  }
  for (Point& each : points_) judge(each);
  // Of an overloaded server it says how long the queue is.
  const bool does_fail = std::ranges::find(at.verdicts, RateVerdict::kFails) != at.verdicts.end();
  if (trial.response_s > 0 && !does_fail) response_s_ = trial.response_s;
}

double CapacitySearch::log_evidence(const Point& point, size_t tier, size_t class_index,
                                    bool is_above) const {
  const double required = *options_.required[tier][class_index];
  double sum = 0;
  for (const Stretch& stretch : kStretches) {
    EffectiveCounts counts;
    for (const Point& other : points_) {
      const double ratio = is_above ? other.rate / point.rate : point.rate / other.rate;
      if (ratio >= 1 - kSameRate && ratio <= stretch.reach + kSameRate)
        counts.add(other.counts[tier][class_index]);
    }
    sum += stretch.weight *
           std::exp(is_above ? log_evidence_above(counts, required) : log_evidence_below(counts, required));
  }
  return std::log(sum);
}

// What was decided once stays decided.
void CapacitySearch::judge(Point& point) const {
  for (size_t tier = 0; tier < point.counts.size(); ++tier) {
    if (point.verdicts[tier] != RateVerdict::kOpen) continue;
    const auto& required = options_.required[tier];
    const auto tests = static_cast<double>(
        std::ranges::count_if(required, [](const auto& share) { return share.has_value(); }));
    bool do_all_hold = true, does_one_fail = false;
    for (size_t i = 0; i < required.size(); ++i) {
      if (!required[i]) continue;
      do_all_hold &= log_evidence(point, tier, i, true) >= point.log_threshold;
      does_one_fail |= log_evidence(point, tier, i, false) >= point.log_threshold + std::log(tests);
    }
    if (does_one_fail)
      point.verdicts[tier] = RateVerdict::kFails;
    else if (do_all_hold)
      point.verdicts[tier] = RateVerdict::kHolds;
  }
}

RateVerdict CapacitySearch::verdict(double rate_per_s, size_t tier) const {
  const Point* at = find(rate_per_s);
  return at == nullptr ? RateVerdict::kOpen : at->verdicts[tier];
}

// ---- what the outcomes say ----

CapacitySearch::Bracket CapacitySearch::bracket(size_t tier) const {
  Bracket bracket;
  for (const Point& point : points_) {
    const RateVerdict verdict = point.verdicts[tier];
    if (verdict == RateVerdict::kHolds && (bracket.low == nullptr || point.rate > bracket.low->rate))
      bracket.low = &point;
    if (verdict == RateVerdict::kFails && (bracket.high == nullptr || point.rate < bracket.high->rate))
      bracket.high = &point;
  }
  for (const Point& point : points_) {
    const bool is_inside = (bracket.low == nullptr || point.rate > bracket.low->rate) &&
                           (bracket.high == nullptr || point.rate < bracket.high->rate);
    if (is_inside && point.verdicts[tier] == RateVerdict::kOpen) bracket.open.push_back(&point);
  }
  std::ranges::sort(bracket.open, {}, &Point::rate);
  return bracket;
}

bool CapacitySearch::is_narrow(const Bracket& bracket) const {
  return bracket.low != nullptr && bracket.high != nullptr &&
         bracket.high->rate <= bracket.low->rate * (1 + options_.resolution);
}

// ln of how many times as many outcomes are bad as may be, of the worst class.
double CapacitySearch::badness(const Point& point, size_t tier, int* worst_class) const {
  double worst = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < options_.class_shares.size(); ++i) {
    const std::optional<double>& required = options_.required[tier][i];
    if (!required) continue;
    const ShareCounts& counts = point.counts[tier][i];
    const double n = counts.effective_n();
    const double bad = static_cast<double>(counts.n - counts.good) / counts.dependence;
    // Half an outcome more on either side, so that none is not nothing.
    const double each = std::log((bad + 0.5) / (n + 1) / (1 - *required));
    if (each <= worst) continue;
    worst = each;
    if (worst_class != nullptr) *worst_class = static_cast<int>(i);
  }
  return worst;
}

// Where the straight lines through the points, on logarithmic scales, first cross the requirement.
double CapacitySearch::crossing(size_t tier, const Bracket& bracket) const {
  std::vector<const Point*> points = {bracket.low};
  points.insert(points.end(), bracket.open.begin(), bracket.open.end());
  points.push_back(bracket.high);
  for (size_t i = 1; i < points.size(); ++i) {
    const double before = badness(*points[i - 1], tier), here = badness(*points[i], tier);
    if (here < 0) continue;
    const double part = before < here ? std::clamp(-before / (here - before), 0.0, 1.0) : 0.5;
    return points[i - 1]->rate * std::pow(points[i]->rate / points[i - 1]->rate, part);
  }
  return bracket.high->rate;
}

CapacityInterval CapacitySearch::interval(size_t tier) const {
  const Bracket found = bracket(tier);
  CapacityInterval interval;
  if (found.low != nullptr) interval.low = found.low->rate;
  if (found.high != nullptr) interval.high = found.high->rate;
  if (found.high != nullptr) badness(*found.high, tier, &interval.limiting_class);
  if (found.low == nullptr || found.high == nullptr) return interval;
  const auto [lower, higher] = std::minmax(found.low->rate, found.high->rate);
  interval.low = lower;
  interval.high = higher;
  interval.is_contradictory = found.low->rate > found.high->rate;
  interval.estimate = interval.is_contradictory ? std::sqrt(lower * higher) : crossing(tier, found);
  interval.is_resolved = !interval.is_contradictory && is_narrow(found);
  return interval;
}

// ---- the next trial ----

std::optional<CapacityStep> CapacitySearch::next() {
  if (end_ != CapacityEnd::kNone) return std::nullopt;
  const double left_s = options_.budget_s - spent_s_;
  if (left_s < kTooLittle * options_.budget_s) {
    end_ = CapacityEnd::kBudget;
    return std::nullopt;
  }
  bool is_out_of_range = false;
  for (const size_t tier : unresolved_tiers()) {
    const std::optional<double> rate = next_rate(tier);
    if (rate) return CapacityStep{*rate, std::min(duration_at(*rate, tier), left_s)};
    is_out_of_range = true;
  }
  end_ = is_out_of_range ? CapacityEnd::kOutOfRange : CapacityEnd::kResolved;
  return std::nullopt;
}

// The one with the widest interval first, so that none takes all the time.
std::vector<size_t> CapacitySearch::unresolved_tiers() const {
  std::vector<std::pair<double, size_t>> widths;
  for (size_t tier = 0; tier < options_.required.size(); ++tier) {
    const CapacityInterval now = interval(tier);
    if (now.is_resolved || now.is_contradictory) continue;
    const bool is_open = !now.low || !now.high;
    widths.emplace_back(is_open ? -std::numeric_limits<double>::infinity() : -std::log(*now.high / *now.low),
                        tier);
  }
  std::ranges::sort(widths);
  std::vector<size_t> tiers;
  for (const auto& [width, tier] : widths) tiers.push_back(tier);
  return tiers;
}

std::optional<double> CapacitySearch::next_rate(size_t tier) {
  const Bracket now = bracket(tier);
  if (points_.empty()) return options_.start_rate_per_s;
  if (now.low == nullptr || now.high == nullptr) return outward(tier, now);
  return inward(tier, now);
}

// Nothing fails yet: up, else down; but what is open is waited for while that is worth it.
std::optional<double> CapacitySearch::outward(size_t tier, const Bracket& bracket) {
  for (const Point* open : bracket.open) {
    if (is_worth_waiting(*open, tier)) return open->rate;
  }
  double highest = 0, lowest = std::numeric_limits<double>::infinity();
  for (const Point& point : points_) {
    highest = std::max(highest, point.rate);
    lowest = std::min(lowest, point.rate);
  }
  // Of open rates only, the failing shares say which way it is.
  const bool goes_up =
      bracket.low != nullptr || (bracket.high == nullptr && badness(points_.back(), tier) < 0);
  const double rate = goes_up ? 2 * highest : lowest / 2;
  // The lower the rate, the longer its requests take to come: what cannot be shown there any more may be
  // here.
  if (!goes_up && !bracket.open.empty() && wanted_duration_at(rate, tier) > options_.budget_s - spent_s_)
    return bracket.open.back()->rate;
  if (rate > kMostRate || rate < kLeastRate) return std::nullopt;
  return rate;
}

// Between a rate that holds and one that fails.
double CapacitySearch::inward(size_t tier, const Bracket& bracket) const {
  const double low = bracket.low->rate, high = bracket.high->rate;
  for (const Point* open : bracket.open) {
    if (is_worth_waiting(*open, tier)) return open->rate;
  }
  const double step = 1 + 0.98 * options_.resolution;
  if (high <= low * step * step) {
    // Either outcome at either of these ends the search: the one farther from where the capacity seems to be
    // is decided sooner.
    const double seems = crossing(tier, bracket);
    std::array<double, 2> ends = {high / step, low * step};
    if (std::fabs(std::log(ends[0] / seems)) < std::fabs(std::log(ends[1] / seems)))
      std::swap(ends[0], ends[1]);
    const auto is_near = [&](double rate) {
      return std::ranges::any_of(bracket.open, [&](const Point* open) {
        return std::fabs(std::log(open->rate / rate)) < std::log(step) / 4;
      });
    };
    for (const double rate : ends) {
      if (!is_near(rate)) return rate;
    }
  }
  if (bracket.open.empty()) return std::sqrt(low * high);
  // Around what is open, on its wider side, while that is wide enough to matter.
  const double first = bracket.open.front()->rate, last = bracket.open.back()->rate;
  const double below = std::log(first / low), above = std::log(high / last);
  if (std::max(below, above) > std::log(step) / 2)
    return below > above ? std::sqrt(low * first) : std::sqrt(last * high);
  // Only time helps now: where the least of it is missing.
  const auto missing = [&](const Point* point) { return effective_n_missing(*point, tier); };
  return (*std::ranges::min_element(bracket.open, {}, missing))->rate;
}

// Effective outcomes that are still to come before the point may be expected to be decided, of the class that
// takes the longest if it holds, and the shortest if it fails.
double CapacitySearch::effective_n_missing(const Point& point, size_t tier) const {
  double to_hold = 0, to_fail = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < options_.class_shares.size(); ++i) {
    const std::optional<double>& required = options_.required[tier][i];
    if (!required) continue;
    const ShareCounts& counts = point.counts[tier][i];
    const double threshold = point.log_threshold;
    if (counts.n == 0) {
      to_hold = std::max(to_hold, effective_n_if_all_good(*required, threshold));
      continue;
    }
    const double share = static_cast<double>(counts.good) / static_cast<double>(counts.n);
    const double missing =
        std::max(expected_effective_n(share, *required, threshold) - counts.effective_n(), 1.0);
    if (share >= *required)
      to_hold = std::max(to_hold, missing);
    else
      to_fail = std::min(to_fail, missing);
  }
  return std::isfinite(to_fail) ? to_fail : to_hold;
}

bool CapacitySearch::is_worth_waiting(const Point& point, size_t tier) const {
  const double patience_s = kPatience * options_.budget_s;
  if (point.spent_s >= patience_s) return false;
  const double seconds_missing =
      effective_n_missing(point, tier) * requests_per_effective_one(point.rate, tier) / point.rate / kCut;
  return point.spent_s + seconds_missing <= 2 * patience_s;
}

// How many requests of the mix make one effective outcome of the class that has the fewest, as far as known
// from the nearest rate that does not fail: where it fails, all latencies grow, and are one long cluster.
double CapacitySearch::requests_per_effective_one(double rate, size_t tier) const {
  const auto distance = [&](const Point& point) {
    const bool is_other_failure = point.verdicts[tier] == RateVerdict::kFails && point.rate != rate;
    return std::fabs(std::log(point.rate / rate)) + (is_other_failure ? 100 : 0);
  };
  auto nearest = std::ranges::min_element(points_, {}, distance);
  if (nearest != points_.end() && distance(*nearest) >= 100) nearest = points_.end();
  double most = 1;
  for (size_t i = 0; i < options_.class_shares.size(); ++i) {
    if (!options_.required[tier][i] || !(options_.class_shares[i] > 0)) continue;
    double dependence = nearest == points_.end() ? 1 : nearest->counts[tier][i].dependence;
    if (find(rate) == nullptr) dependence = std::min(dependence, kMostDependenceAtFirst);
    most = std::max(most, dependence / options_.class_shares[i]);
  }
  return most;
}

// How long arrivals take until a rate may be expected to be decided.
double CapacitySearch::wanted_duration_at(double rate, size_t tier) const {
  const Point* tried = find(rate);
  double effective_n = 0;
  if (tried != nullptr) {
    effective_n = effective_n_missing(*tried, tier);
  } else {
    const double threshold = log_threshold_of(points_.size(), options_.confidence);
    for (const std::optional<double>& required : options_.required[tier]) {
      if (required) effective_n = std::max(effective_n, effective_n_if_all_good(*required, threshold));
    }
  }
  return kSpare * effective_n * requests_per_effective_one(rate, tier) / rate / kCut;
}

double CapacitySearch::duration_at(double rate, size_t tier) const {
  const Point* tried = find(rate);
  double duration_s = wanted_duration_at(rate, tier);
  // Again: not shorter than before, or the warm-up takes most of it.
  const double before_s = tried == nullptr ? 0 : tried->spent_s;
  if (tried != nullptr) duration_s = std::clamp(duration_s, before_s / 2, 3 * before_s);
  duration_s = std::max({duration_s, kLeastResponses * response_s_, kLeastDurationS});
  return std::min(duration_s, kMostOfBudget * options_.budget_s);
}

}  // namespace assay
