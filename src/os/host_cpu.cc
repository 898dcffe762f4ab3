// Readings of /proc/stat and of our own use; see host_cpu.h.
#include "os/host_cpu.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "os/files.h"

namespace assay {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double own_cpu_s() {
  double sum_s = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    if (::getrusage(who, &usage) == 0) sum_s += seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  }
  return sum_s;
}

}  // namespace

std::optional<HostCpu> parse_host_cpu(std::string_view text, double ticks_per_s) {
  const std::string_view line = text.substr(0, text.find('\n'));
  if (!line.starts_with("cpu ") || ticks_per_s <= 0) return std::nullopt;
  enum { kUser, kNice, kSystem, kIdle, kWait, kInterrupt, kSoftInterrupt, kTaken, kFields };
  std::array<double, kFields> ticks{};
  size_t fields = 0;
  for (std::string_view rest = line.substr(4); fields < kFields && !rest.empty(); ++fields) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) break;
    ticks[fields] = static_cast<double>(value);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  }
  if (fields <= kIdle) return std::nullopt;
  HostCpu cpu;
  cpu.busy_s = (ticks[kUser] + ticks[kNice] + ticks[kSystem] + ticks[kInterrupt] + ticks[kSoftInterrupt]) /
               ticks_per_s;
  cpu.taken_s = ticks[kTaken] / ticks_per_s;
  cpu.total_s = cpu.busy_s + cpu.taken_s + (ticks[kIdle] + ticks[kWait]) / ticks_per_s;
  return cpu;
}

std::optional<HostCpu> read_host_cpu() {
  const Result<std::string> text = read_file("/proc/stat", 1 << 20);
  if (!text) return std::nullopt;
  std::optional<HostCpu> cpu = parse_host_cpu(*text, static_cast<double>(::sysconf(_SC_CLK_TCK)));
  if (cpu) cpu->own_s = own_cpu_s();
  return cpu;
}

std::optional<OtherWork> other_work(const HostCpu& before, const HostCpu& after, double elapsed_s) {
  const double total_s = after.total_s - before.total_s;
  if (total_s <= 0 || elapsed_s <= 0) return std::nullopt;
  const double used_s = after.busy_s - before.busy_s + after.taken_s - before.taken_s;
  const double other_s = std::max(0.0, used_s - (after.own_s - before.own_s));
  return OtherWork{.cpus = other_s / elapsed_s,
                   .share = std::min(1.0, other_s / total_s),
                   .in_use = std::clamp(used_s / total_s, 0.0, 1.0)};
}

}  // namespace assay
