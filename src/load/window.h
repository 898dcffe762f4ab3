// Which part of a load trial its numbers come from: the steady window of measure, held to what the plan asked
// for.
#pragma once

#include <cstdint>
#include <string>

#include "load/driver.h"

namespace assay {

struct LoadWindow {
  Nanos start{};            // requests scheduled earlier are warm-up
  Nanos latencies_end{};    // requests scheduled later are drain
  Nanos rates_end{};        // rates are taken over [start, rates_end): until the last arrival
  bool is_burst = false;    // all arrived at once: rates are taken until the last answer
  bool is_settled = false;  // a steady state was seen at all
  bool is_steady = false;   // and the window lies in it
  std::string method;       // the rule and its outcome, for people

  bool has(const RequestRow& row) const { return row.scheduled >= start && row.scheduled <= latencies_end; }
  double rates_s() const { return seconds(rates_end - start); }
};

// Warm-up is cut by MSER-5 on the times to first token, the drain after the last arrival is left out; but
// neither cut leaves a class fewer than `wanted_per_class` requests that were attempted, so that its
// percentiles keep their support. `is_burst`: all were to come at once.
LoadWindow choose_window(const LoadResult& result, size_t classes, uint32_t wanted_per_class,
                         bool is_burst = false);

}  // namespace assay
