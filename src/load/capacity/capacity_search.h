// CapacitySearch: which rate to try next, for how long, and what the outcomes so far say of the capacity: the
// largest total rate of the mix at which every class meets its SLO at its required share (joint goodput).
// Pure: it starts nothing and waits for nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "measure/measure.h"

namespace assay {

// At a rate, each class is a sequential test of its share against the required one (sequential_share.h), so
// that a rate may be tried again and again, looked at after each trial, until it is decided. A rate holds
// when every class is shown to be above: if it does not hold in truth, one class is not, and that one errs by
// α_i at most (intersection-union test: Berger, Technometrics 24 (1982) 295). A rate fails when some class is
// shown to be below, each at α_i over the number of classes (Bonferroni). One of the two can be wrong at a
// rate, never both. The α_i of all rates ever tried sum up to 1 − confidence: half of it evenly over the
// first eight, the rest over all later ones as 1/(j(j+1)). So, as far as attainment falls with the rate, the
// capacity lies between the highest rate that was shown to hold and the lowest that was shown to fail with
// the stated confidence, however the rates were chosen. For the same reason what was seen at rates a little
// higher (lower) is evidence that a rate holds (fails): the test of a rate is the mean over its own outcomes
// and those of fixed stretches above (below) it, a mean of supermartingales and hence one. Each tier of SLO
// has an interval of its own at that confidence; all share the trials.
//
// Rates: doubled (halved) until one fails (holds), then bisected on a logarithmic scale; the last step goes
// to the rate at which either outcome ends the search. A rate too close to the capacity to be decided soon is
// left open, and those around it are tried; but while nothing is decided, none that is so low that the time
// left could not show it to hold. Of several tiers the one with the widest interval says what is next.
struct CapacityOptions {
  double confidence = 0.95;     // in (0, 1)
  double resolution = 0.05;     // the search ends when the interval is this narrow, relative to its low end
  double budget_s = 1800;       // all trials together
  double start_rate_per_s = 1;  // the first to be tried
  double response_s = 1;        // how long an answer takes, as far as is known
  std::vector<double> class_shares;                          // of the requests; sum 1
  std::vector<std::vector<std::optional<double>>> required;  // by tier and class; nothing: without limits
};

// What a trial at one rate showed: by tier and class, its warm-up left out.
struct CapacityTrial {
  double rate_per_s = 0;
  double took_s = 0;      // warm-up and drain included
  double response_s = 0;  // median time from due instant to last token; 0: none ended well
  bool is_void = false;   // the client itself did not keep up: it decides nothing
  std::vector<std::vector<ShareCounts>> counts;
};

struct CapacityStep {
  double rate_per_s = 0;
  double duration_s = 0;  // of arrivals
};

enum class RateVerdict { kOpen, kHolds, kFails };
std::string_view name_of(RateVerdict verdict);  // "open"

enum class CapacityEnd {
  kNone,        // it goes on
  kResolved,    // every tier's interval is as narrow as was asked for
  kBudget,      // the time is spent
  kVoid,        // the client did not keep up, kMostVoidsInARow times in a row
  kOutOfRange,  // no rate within reason fails, or none holds
};

// The capacity of one tier. Without `low` nothing was shown to hold, without `high` nothing to fail.
struct CapacityInterval {
  std::optional<double> low, high;
  std::optional<double> estimate;  // where attainment crosses the requirement between them, by interpolation
  bool is_resolved = false;
  bool is_contradictory = false;  // a rate held above one that failed: attainment does not fall with the rate
  int limiting_class = -1;        // farthest below its share at the lowest rate that failed
};

// A machine that was busy for a moment spoils one trial and not the search; what cannot keep up fails again.
inline constexpr int kMostVoidsInARow = 3;

class CapacitySearch {
 public:
  explicit CapacitySearch(CapacityOptions options);

  // The next trial; nothing when the search has ended.
  std::optional<CapacityStep> next();
  // The outcome of the trial that next() proposed, at its very rate. A void one is proposed again.
  void add(const CapacityTrial& trial);

  CapacityEnd end() const { return end_; }
  double spent_s() const { return spent_s_; }
  CapacityInterval interval(size_t tier) const;
  RateVerdict verdict(double rate_per_s, size_t tier) const;

 private:
  struct Point {
    double rate = 0;
    double log_threshold = 0;  // ln(1/α_i)
    double spent_s = 0;
    std::vector<std::vector<ShareCounts>>
        counts;                         // by tier and class; dependence: the mean of all trials, by n
    std::vector<RateVerdict> verdicts;  // by tier
  };
  // Points of one tier, as far as they matter to it.
  struct Bracket {
    const Point* low = nullptr;      // the highest that holds
    const Point* high = nullptr;     // the lowest that fails
    std::vector<const Point*> open;  // between them, ascending
  };

  Point& point(double rate);
  const Point* find(double rate) const;
  void judge(Point& point) const;
  double log_evidence(const Point& point, size_t tier, size_t class_index, bool is_above) const;
  Bracket bracket(size_t tier) const;
  bool is_narrow(const Bracket& bracket) const;
  std::vector<size_t> unresolved_tiers() const;
  std::optional<double> next_rate(size_t tier);
  std::optional<double> outward(size_t tier, const Bracket& bracket);
  double inward(size_t tier, const Bracket& bracket) const;
  bool is_worth_waiting(const Point& point, size_t tier) const;
  double effective_n_missing(const Point& point, size_t tier) const;
  double badness(const Point& point, size_t tier, int* worst_class = nullptr) const;
  double crossing(size_t tier, const Bracket& bracket) const;
  double duration_at(double rate, size_t tier) const;
  double wanted_duration_at(double rate, size_t tier) const;
  double requests_per_effective_one(double rate, size_t tier) const;

  const CapacityOptions options_;
  std::vector<Point> points_;  // in the order in which they were first tried
  double response_s_;
  double spent_s_ = 0;
  int voids_in_a_row_ = 0;
  CapacityEnd end_ = CapacityEnd::kNone;
};

}  // namespace assay
