// Strong types for quantities. A bare number does not become a Nanos by accident, nor a Nanos a bare
// number.
#pragma once

#include <compare>
#include <cstdint>

namespace assay {

template <class Tag, class Rep>
struct Quantity {
  Rep count{};

  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : count(value) {}

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity other) const { return Quantity(count + other.count); }
  constexpr Quantity operator-(Quantity other) const { return Quantity(count - other.count); }
  constexpr Quantity operator*(Rep factor) const { return Quantity(count * factor); }
  constexpr Quantity operator/(Rep divisor) const { return Quantity(count / divisor); }
  constexpr Quantity& operator+=(Quantity other) { return count += other.count, *this; }
  constexpr Quantity& operator-=(Quantity other) { return count -= other.count, *this; }
};

// Nanoseconds: an instant of CLOCK_MONOTONIC or a duration, as the name of the variable says.
using Nanos = Quantity<struct NanosTag, int64_t>;

constexpr Nanos nanos_from_seconds(double seconds) {
  return Nanos(static_cast<int64_t>(seconds * 1e9));
}
constexpr Nanos nanos_from_ms(double ms) {
  return Nanos(static_cast<int64_t>(ms * 1e6));
}
constexpr double seconds(Nanos n) {
  return static_cast<double>(n.count) * 1e-9;
}
constexpr double milliseconds(Nanos n) {
  return static_cast<double>(n.count) * 1e-6;
}

// Later than any instant that a run can reach.
inline constexpr Nanos kNever{INT64_MAX};

}  // namespace assay
