// Processes with known laws, against which the estimates are held.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/base.h"

namespace assay::simulation {

inline std::vector<double> exponentials(uint64_t seed, int64_t n) {
  std::vector<double> series;
  Random random(seed, random_stream("exponentials"), 0);
  for (int64_t i = 0; i < n; ++i) series.push_back(random.exponential());
  return series;
}

// Stationary AR(1) with standard normal margins: correlation φ^k at lag k.
inline std::vector<double> autoregression(uint64_t seed, int64_t n, double phi) {
  std::vector<double> series;
  Random random(seed, random_stream("autoregression"), 0);
  double value = random.normal();
  for (int64_t i = 0; i < n; ++i) {
    series.push_back(value);
    value = phi * value + std::sqrt(1 - phi * phi) * random.normal();
  }
  return series;
}

struct Visit {
  double arrival_s = 0;
  double sojourn_s = 0;
};

// An M/M/1 queue that starts empty (Lindley's recursion): the sojourn time is exponential with mean 1/(μ − λ)
// once it is steady. `slowness(arrival)` stretches the service of early arrivals.
template <class Slowness>
std::vector<Visit> mm1(uint64_t seed, int64_t n, double arrival_rate, double service_rate,
                       Slowness slowness) {
  std::vector<Visit> visits;
  Random random(seed, random_stream("mm1"), 0);
  double arrival = 0, free_at = 0;
  for (int64_t i = 0; i < n; ++i) {
    arrival += random.exponential() / arrival_rate;
    free_at = std::max(arrival, free_at) + random.exponential() / service_rate * slowness(arrival);
    visits.push_back({arrival, free_at - arrival});
  }
  return visits;
}

inline std::vector<Visit> mm1(uint64_t seed, int64_t n, double arrival_rate, double service_rate) {
  return mm1(seed, n, arrival_rate, service_rate, [](double) { return 1.0; });
}

// The share of `repetitions` for which `covers(seed)` holds.
template <class Covers>
double coverage(int repetitions, Covers covers) {
  int covered = 0;
  for (int i = 0; i < repetitions; ++i) covered += covers(static_cast<uint64_t>(i)) ? 1 : 0;
  return static_cast<double>(covered) / repetitions;
}

}  // namespace assay::simulation
