// A share held against a requirement while outcomes still come in: evidence that may be looked at after every
// trial, as often as one likes. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <span>

namespace assay {

// Outcomes, good or bad, with what they are worth: `dependence` of them in a row know as much as one
// independent outcome.
struct ShareCounts {
  int64_t n = 0;
  int64_t good = 0;
  double dependence = 1;  // ≥ 1

  double effective_n() const { return static_cast<double>(n) / dependence; }
};

// The same as so many independent outcomes. Those of several places are added up.
struct EffectiveCounts {
  double good = 0, bad = 0;

  void add(const ShareCounts& counts) {
    good += static_cast<double>(counts.good) / counts.dependence;
    bad += static_cast<double>(counts.n - counts.good) / counts.dependence;
  }
};

// ln of the evidence that the true share is above (below) `required`, in (0, 1): the likelihood of the
// outcomes under a mixture of shares above (below) it over that under `required` itself (Robbins, Ann. Math.
// Stat. 41 (1970) 1397; Johari et al., "Always Valid Inference", Oper. Res. 70 (2022) 1806). Under any share
// that is not above (below) it, an independent sequence makes this a nonnegative supermartingale that begins
// at 1, so that it ever reaches ln(1/α) with probability α at most (Ville 1939), whenever one stops to look.
// Of outcomes from several places it holds if no share is above (below) it in any of them. Dependent outcomes
// enter as fewer: the likelihood is taken to the power 1/dependence, which has mean 1 for clusters of one
// size and, by the central limit theorem for mixing sequences, for others approximately.
double log_evidence_above(const EffectiveCounts& counts, double required);
double log_evidence_below(const EffectiveCounts& counts, double required);

// Effective outcomes that take log_evidence_above to `log_threshold` if none is bad.
double effective_n_if_all_good(double required, double log_threshold);

// Effective outcomes after which the evidence, on one side or the other, is to be expected at `log_threshold`
// if the true share is `share`: the threshold over the Kullback-Leibler divergence (Wald 1945). Infinite at
// `required` itself.
double expected_effective_n(double share, double required, double log_threshold);

// How many outcomes in a row know as much as one independent one: n over effective_sample_size, computed on
// sums of neighbours where the series is long. At least 1; 1 for a constant series.
double serial_dependence(std::span<const double> series);

}  // namespace assay
