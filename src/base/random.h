// Random numbers that are a pure function of (seed, stream, index): the same plan on every machine and in any
// order. The distributions are our own, since the standard library's differ between implementations.
#pragma once

#include <cstdint>

namespace assay {

// A generator for one decision: construct it from what the decision is about, draw, and let it go.
// Counter-based: output i is the SplitMix64 finaliser (Steele, Lea, Flood 2014) of key + i·golden ratio.
class Random {
 public:
  Random(uint64_t seed, uint64_t stream, uint64_t index);

  uint64_t next();             // uniform over all 64-bit values
  double uniform();            // [0, 1)
  uint64_t below(uint64_t n);  // 0 … n − 1, unbiased; n > 0
  double exponential();        // mean 1
  double normal();             // mean 0, standard deviation 1 (Box–Muller)

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

// A stream number for a name, so that streams are told apart by words ("arrivals/chat") and never collide by
// a miscount.
uint64_t random_stream(const char* name);

}  // namespace assay
