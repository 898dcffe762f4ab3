// Serial dependence, against processes whose correlations are known.
#include "measure/series.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/simulation_test_support.h"

namespace assay::series_test {

using simulation::autoregression;
using simulation::exponentials;

TEST(EffectiveSampleSize, OfAnAutoregressionIsTheKnownShare) {
  for (const double phi : {0.3, 0.7, 0.9}) {
    double mean = 0;
    for (uint64_t seed = 0; seed < 20; ++seed)
      mean += effective_sample_size(autoregression(seed, 20'000, phi)) / 20;
    EXPECT_NEAR(mean / 20'000, (1 - phi) / (1 + phi), 0.1 * (1 - phi) / (1 + phi)) << phi;
  }
}

TEST(EffectiveSampleSize, OfIndependentSamplesIsAboutAllOfThem) {
  double share = 0;
  for (uint64_t seed = 0; seed < 50; ++seed)
    share += effective_sample_size(exponentials(seed, 1000)) / 1000 / 50;
  EXPECT_GT(share, 0.9);
  EXPECT_LE(share, 1);
}

TEST(EffectiveSampleSize, OfZerosAndOnesIsTheSameByCounting) {
  for (const double phi : {0.0, 0.5, 0.95}) {
    for (const double limit : {-1.0, 0.0, 2.0}) {
      std::vector<double> series;
      BitSeries indicators;
      for (const double value : autoregression(7, 3000, phi)) {
        series.push_back(value <= limit ? 1 : 0);
        indicators.push_back(value <= limit);
      }
      EXPECT_NEAR(effective_sample_size(indicators), effective_sample_size(series), 1e-6) << phi << limit;
    }
  }
  // Lags of more than a word, and lengths on both sides of one.
  for (const size_t size : {63, 64, 65, 128, 1000}) {
    std::vector<double> series;
    BitSeries indicators;
    for (size_t i = 0; i < size; ++i) {
      const bool is_one = i / (size / 5) % 2 == 1 || i % 17 == 3;
      series.push_back(is_one ? 1 : 0);
      indicators.push_back(is_one);
    }
    EXPECT_NEAR(effective_sample_size(indicators), effective_sample_size(series), 1e-6) << size;
    EXPECT_LT(effective_sample_size(indicators), static_cast<double>(size) / 4) << size;
  }
  BitSeries ones, two;
  for (int i = 0; i < 100; ++i) ones.push_back(true);
  two.push_back(true);
  two.push_back(false);
  EXPECT_EQ(effective_sample_size(ones), 100);
  EXPECT_EQ(effective_sample_size(two), 2);
}

TEST(EffectiveSampleSize, NeverExceedsTheSamplesOrFallsBelowOne) {
  std::vector<double> alternating, rising;
  for (int i = 0; i < 1000; ++i) {
    alternating.push_back(i % 2);
    rising.push_back(i);
  }
  EXPECT_EQ(effective_sample_size(alternating), 1000);
  EXPECT_LT(effective_sample_size(rising), 20);
  EXPECT_GE(effective_sample_size(rising), 1);
  EXPECT_EQ(effective_sample_size(std::vector<double>(100, 1.0)), 100);
  EXPECT_EQ(effective_sample_size(std::vector<double>{1, 2}), 2);
}

TEST(BootstrapBlockLength, OfIndependentSamplesIsOneOrLittleMore) {
  double mean = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) mean += bootstrap_block_length(exponentials(seed, 500)) / 100;
  EXPECT_LT(mean, 3);
}

TEST(BootstrapBlockLength, OfAnAutoregressionIsTheOptimalOne) {
  // For AR(1): (n·(2φ/(1 − φ²))²)^(1/3), from Politis and White's formula with the exact spectrum.
  const double phi = 0.7, n = 10'000;
  const double ratio = 2 * phi / (1 - phi * phi);
  double mean = 0;
  for (uint64_t seed = 0; seed < 30; ++seed)
    mean += bootstrap_block_length(autoregression(seed, 10'000, phi)) / 30;
  EXPECT_NEAR(mean, std::cbrt(n * ratio * ratio), 0.15 * std::cbrt(n * ratio * ratio));
}

TEST(BootstrapBlockLength, StaysWithinItsBounds) {
  std::vector<double> rising;
  for (int i = 0; i < 10'000; ++i) rising.push_back(i);
  EXPECT_LE(bootstrap_block_length(rising), 300);
  EXPECT_EQ(bootstrap_block_length(std::vector<double>(100, 1.0)), 1);
  EXPECT_EQ(bootstrap_block_length(std::vector<double>{1, 2, 3}), 1);
}

}  // namespace assay::series_test
