// The steady window: which part of a trial its numbers come from. Warm-up is cut by MSER-5, the drain after
// the last scheduled arrival is left out, and the outcome of the rule is part of the evidence. Pure and
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace assay {

// One attempted request that got an answer. Latencies of different groups (traffic classes) are compared only
// after division by the median of their group.
struct SteadyObservation {
  int64_t scheduled_ns = 0;
  double latency = 0;  // any unit, the same within a group
  int32_t group = 0;
};

struct SteadyWindow {
  int64_t start_ns = 0;  // a request belongs to the window if start_ns ≤ scheduled_ns ≤ end_ns
  int64_t end_ns = 0;
  int64_t n_before = 0;  // observations cut as warm-up
  int64_t n_inside = 0;
  bool settled =
      false;  // false: latencies never stop trending (the rate is not held), or there are too few to tell
  std::string method;  // the rule and its outcome, one line
};

// The rule: latencies in the order of their scheduled instants, in batches of five; the cut is the number of
// batches d that minimises Σ(x − mean)²/(k − d)² over the k − d batches left (White 1997, MSER-5). A least
// value in the second half of the series, or fewer than ten batches, means that no steady state was seen:
// then nothing is cut and `settled` is false. The window ends at `last_scheduled_ns`, the last arrival of the
// plan; it starts at `first_scheduled_ns` if nothing is cut. Observations may come in any order.
SteadyWindow find_steady_window(std::span<const SteadyObservation> observations, int64_t first_scheduled_ns,
                                int64_t last_scheduled_ns);

}  // namespace assay
