// What the machine takes from a program that does nothing but look at the clock: the least lateness that a
// load generator with this core can have. Run it as the load would be run (taskset, nice), with nothing else
// at work.
//   bench/machine_pauses [seconds]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "os/os.h"

namespace {

using namespace assay;

// Where two looks at the clock lie further apart, the core did something else in between.
constexpr Nanos kPause{2'000};

// The lateness of work that is due at a random instant and done as soon as the core is back: within a pause
// of d it is spread evenly over 0…d. So x is exceeded with the probability Σ max(0, d − x) ÷ T.
double exceeded(const std::vector<Nanos>& pauses, Nanos whole, Nanos x) {
  double sum = 0;
  for (const Nanos d : pauses) sum += static_cast<double>(std::max<int64_t>(0, (d - x).count));
  return sum / static_cast<double>(whole.count);
}

// The least x, to 0.1 µs, that is exceeded with at most `share`.
double quantile_us(const std::vector<Nanos>& pauses, Nanos whole, double share) {
  Nanos low{}, high = pauses.empty() ? Nanos{} : *std::ranges::max_element(pauses);
  while ((high - low).count > 100) {
    const Nanos middle((low.count + high.count) / 2);
    (exceeded(pauses, whole, middle) > share ? low : high) = middle;
  }
  return static_cast<double>(high.count) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  const double wanted_s = argc > 1 ? std::atof(argv[1]) : 10;
  if (!(wanted_s > 0)) {
    fmt::print(stderr, "usage: machine_pauses [seconds]\n");
    return 2;
  }
  const SystemClock clock;
  std::vector<Nanos> pauses(1 << 20);  // touched, so that no look at the clock waits for memory
  const size_t room = pauses.size();
  pauses.clear();
  const Nanos begin = clock.now(), end = begin + nanos_from_seconds(wanted_s);
  Nanos last = begin;
  while (last < end && pauses.size() < room) {
    const Nanos now = clock.now();
    if (now - last > kPause) pauses.push_back(now - last);
    last = now;
  }
  const Nanos whole = last - begin;
  Nanos lost{}, longest{};
  for (const Nanos d : pauses) {
    lost += d;
    longest = std::max(longest, d);
  }
  fmt::print(
      "{} pauses above {} µs in {:.1f} s, {:.2f} % of the time; lateness of work due at a random instant p99 {:.1f}, p99.9 "
      "{:.1f}, p99.99 {:.1f} µs; the longest {:.0f} µs\n",
      pauses.size(), kPause.count / 1000, seconds(whole), 100 * seconds(lost) / seconds(whole),
      quantile_us(pauses, whole, 1e-2), quantile_us(pauses, whole, 1e-3), quantile_us(pauses, whole, 1e-4),
      static_cast<double>(longest.count) / 1e3);
  return 0;
}
