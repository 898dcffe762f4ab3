// Arrivals: when requests come. Every instant is a pure function of (seed, stream, index).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// A point of a rate curve: `relative` times the mean rate at this instant; straight lines between points.
struct RatePoint {
  double at_s = 0;
  double relative = 1;

  bool operator==(const RatePoint&) const = default;
};

struct Arrivals {
  enum class Kind {
    kPoisson,   // independent users: exponential gaps
    kConstant,  // evenly spaced
    kGamma,     // gaps with the coefficient of variation `cv`: above 1 in clusters, below 1 more even
    kBurst,     // all at once
    kClosed,    // `users` each wait for their answer, pause, and send the next
    kTrace,     // at the instants of a trace
  };
  Kind kind = Kind::kPoisson;
  double cv = 1;       // kGamma; 1 is Poisson
  uint32_t users = 1;  // kClosed
  double pause_s = 0;  // kClosed: mean of the exponential pause between an answer and the next request
  // kPoisson, kConstant, kGamma: the rate over time, repeated when it ends; empty: always the same. The first
  // point is at 0, points ascend, no value is negative, and not all are zero. What is given is the shape: the
  // mean over a period is scaled to 1.
  std::vector<RatePoint> curve;

  bool has_rate() const { return kind == Kind::kPoisson || kind == Kind::kConstant || kind == Kind::kGamma; }
  bool operator==(const Arrivals&) const = default;
};

struct ArrivalKindRow {
  const char* name;  // "poisson"
  Arrivals::Kind kind;
  const char* title;
};
std::span<const ArrivalKindRow> arrival_kinds();
const char* name_of(Arrivals::Kind kind);

// What is wrong with a rate curve ("its first point is not at 0 s"), or "".
std::string curve_problem(std::span<const RatePoint> curve);

// Requests that come "at once", and the first of a closed loop's users, follow one another by so much: no
// machine sends hundreds in one instant, and what waits for those before it would be late by the generator.
inline constexpr Nanos kBetweenAtOnce = nanos_from_ms(0.2);

// The instants of one arrival process, one after the other: at `rate_per_s` on average, ascending; kBurst:
// kBetweenAtOnce apart. kClosed: the pauses before each request, which are no instants. Not for kTrace.
class ArrivalStream {
 public:
  ArrivalStream(const Arrivals& arrivals, double rate_per_s, uint64_t seed, std::string_view stream);
  ArrivalStream(ArrivalStream&&) noexcept;
  ArrivalStream& operator=(ArrivalStream&&) noexcept;
  ~ArrivalStream();

  Nanos next();

 private:
  class CurveClock;

  Arrivals arrivals_;
  double rate_per_s_;
  uint64_t seed_, stream_;
  uint64_t index_ = 0;
  double sum_ = 0;  // of the process of rate 1
  std::unique_ptr<CurveClock> curve_clock_;
};

}  // namespace assay
