// Arrival processes; see arrivals.h.
#include "workload/arrivals.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace assay {
namespace {

constexpr ArrivalKindRow kArrivalKindRows[] = {
    {"poisson", Arrivals::Kind::kPoisson, "independent users: exponential gaps"},
    {"constant", Arrivals::Kind::kConstant, "evenly spaced"},
    {"gamma", Arrivals::Kind::kGamma, "gaps with the coefficient of variation cv: above 1 in clusters"},
    {"burst", Arrivals::Kind::kBurst, "all at once: 0.2 ms apart"},
    {"closed", Arrivals::Kind::kClosed,
     "users who each wait for their answer before they send the next request"},
    {"trace", Arrivals::Kind::kTrace, "at the instants of [load.trace], which implies it"},
};

// Of a process of rate 1.
double gap(const Arrivals& arrivals, Random& random) {
  if (arrivals.kind == Arrivals::Kind::kConstant) return 1;
  if (arrivals.kind == Arrivals::Kind::kPoisson || arrivals.cv == 1) return random.exponential();
  const double shape = 1 / (arrivals.cv * arrivals.cv);
  return random.gamma(shape) / shape;
}

}  // namespace

std::span<const ArrivalKindRow> arrival_kinds() {
  return kArrivalKindRows;
}

const char* name_of(Arrivals::Kind kind) {
  for (const ArrivalKindRow& row : kArrivalKindRows) {
    if (row.kind == kind) return row.name;
  }
  std::unreachable();  // every kind has a row: a test holds it
}

std::string curve_problem(std::span<const RatePoint> curve) {
  if (curve.empty()) return "";
  if (curve.size() < 2) return "it has fewer than two points";
  if (curve[0].at_s != 0) return "its first point is not at 0 s";
  bool has_rate = false;
  for (size_t i = 0; i < curve.size(); ++i) {
    if (!std::isfinite(curve[i].at_s) || !std::isfinite(curve[i].relative)) return "a point is no number";
    if (i > 0 && curve[i].at_s <= curve[i - 1].at_s) return "its points do not ascend in time";
    if (curve[i].relative < 0) return "a rate is negative";
    has_rate = has_rate || curve[i].relative > 0;
  }
  return has_rate ? "" : "its rate is always 0";
}

// The instants of a process of rate 1 become those of one whose rate follows a curve by the inverse of the
// curve's integral (Çinlar 1975, the time change of a renewal process).
class ArrivalStream::CurveClock {
 public:
  explicit CurveClock(std::span<const RatePoint> curve) : points_(curve.begin(), curve.end()) {
    integral_.push_back(0);
    for (size_t i = 1; i < points_.size(); ++i) integral_.push_back(integral_.back() + area(i));
    // The mean rate over a period is 1.
    const double scale = period() / integral_.back();
    for (RatePoint& point : points_) point.relative *= scale;
    for (double& sum : integral_) sum *= scale;
  }

  // When the integral reaches `sum`.
  double at(double sum) const {
    const double periods = std::floor(sum / period());
    const double rest = sum - periods * period();
    const auto above = std::upper_bound(integral_.begin() + 1, integral_.end() - 1, rest);
    const auto i = static_cast<size_t>(above - integral_.begin());
    return periods * period() + points_[i - 1].at_s + within(i, rest - integral_[i - 1]);
  }

 private:
  double period() const { return points_.back().at_s; }
  double width(size_t i) const { return points_[i].at_s - points_[i - 1].at_s; }
  double area(size_t i) const { return width(i) * (points_[i].relative + points_[i - 1].relative) / 2; }

  // Time into segment i at which its own integral reaches `sum`: a·t + b·t²/2 = sum, in the form that does
  // not cancel.
  double within(size_t i, double sum) const {
    const double a = points_[i - 1].relative;
    const double b = (points_[i].relative - a) / width(i);
    const double root = std::sqrt(std::max(0.0, a * a + 2 * b * sum));
    return a + root > 0 ? std::min(width(i), 2 * sum / (a + root)) : 0;
  }

  std::vector<RatePoint> points_;
  std::vector<double> integral_;  // from 0 to each point
};

ArrivalStream::ArrivalStream(const Arrivals& arrivals, double rate_per_s, uint64_t seed,
                             std::string_view stream)
    : arrivals_(arrivals),
      rate_per_s_(rate_per_s),
      seed_(seed),
      stream_(random_stream(std::string(stream).c_str())) {
  CHECK(arrivals.kind != Arrivals::Kind::kTrace && (!arrivals.has_rate() || rate_per_s > 0));
  if (arrivals.has_rate() && !arrivals.curve.empty())
    curve_clock_ = std::make_unique<CurveClock>(arrivals.curve);
  // A random process has its first gap before the first request; an even one begins at once.
  if (arrivals.kind == Arrivals::Kind::kConstant) sum_ = -1;
}

ArrivalStream::ArrivalStream(ArrivalStream&&) noexcept = default;
ArrivalStream& ArrivalStream::operator=(ArrivalStream&&) noexcept = default;
ArrivalStream::~ArrivalStream() = default;

Nanos ArrivalStream::next() {
  if (arrivals_.kind == Arrivals::Kind::kBurst) return kBetweenAtOnce * static_cast<int64_t>(index_++);
  Random random(seed_, stream_, index_++);
  if (arrivals_.kind == Arrivals::Kind::kClosed)
    return nanos_from_seconds(random.exponential() * arrivals_.pause_s);
  sum_ += gap(arrivals_, random);
  const double at_s = sum_ / rate_per_s_;
  return nanos_from_seconds(curve_clock_ ? curve_clock_->at(at_s) : at_s);
}

}  // namespace assay
