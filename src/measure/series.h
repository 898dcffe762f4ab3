// Serial dependence: how much less a series knows than as many independent samples would. Pure and
// thread-safe.
#pragma once

#include <cstdint>
#include <span>

namespace assay {

// n divided by the integrated autocorrelation time τ = 1 + 2·Σρ_k, summed over pairs of lags while they are
// positive (Geyer 1992, initial positive sequence) and never beyond half the series. Between 1 and n:
// negative dependence is not counted in anybody's favour.
double effective_sample_size(std::span<const double> series);
// The same of zeros and ones, a byte each.
double effective_sample_size(std::span<const uint8_t> indicators);

// The mean block length for the stationary bootstrap of a mean (Politis and White 2004, corrected by Patton,
// Politis and White 2009); at least 1, at most ⌈min(3√n, n/3)⌉.
double bootstrap_block_length(std::span<const double> series);

}  // namespace assay
