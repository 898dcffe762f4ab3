// Readings of /proc/stat and of our own use; see host_cpu.h.
#include "os/host_cpu.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/base.h"
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

// A mask larger than cpu_set_t's would need is no machine's that is known.
std::set<int> cpus_of_this_process() {
  std::set<int> cpus;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.insert(cpu);
  }
  return cpus;
}

enum Field { kUser, kNice, kSystem, kIdle, kWait, kInterrupt, kSoftInterrupt, kTaken, kFields };

struct CpuLine {
  int number = 0;
  std::array<double, kFields> ticks{};
};

// "cpu3 1000 200 300 5000 …"; older kernels tell fewer of the later ones.
std::optional<CpuLine> read_line(std::string_view line) {
  if (!line.starts_with("cpu")) return std::nullopt;
  CpuLine cpu;
  const char* const end = line.data() + line.size();
  auto [at, error] = std::from_chars(line.data() + 3, end, cpu.number);
  if (error != std::errc()) return std::nullopt;  // the sum of all
  size_t fields = 0;
  for (; fields < kFields; ++fields) {
    while (at != end && *at == ' ') ++at;
    uint64_t value = 0;
    const auto [after, wrong] = std::from_chars(at, end, value);
    if (wrong != std::errc()) break;
    cpu.ticks[fields] = static_cast<double>(value);
    at = after;
  }
  if (fields <= kIdle) return std::nullopt;
  return cpu;
}

}  // namespace

std::optional<HostCpu> parse_host_cpu(std::string_view text, double ticks_per_s, const std::set<int>& cpus) {
  if (ticks_per_s <= 0) return std::nullopt;
  HostCpu sum;
  bool has_any = false;
  for (const std::string_view line : split(text, '\n')) {
    const std::optional<CpuLine> cpu = read_line(line);
    if (!cpu || !cpus.contains(cpu->number)) continue;
    has_any = true;
    const auto& ticks = cpu->ticks;
    const double busy =
        ticks[kUser] + ticks[kNice] + ticks[kSystem] + ticks[kInterrupt] + ticks[kSoftInterrupt];
    sum.busy_s += busy / ticks_per_s;
    sum.taken_s += ticks[kTaken] / ticks_per_s;
    sum.total_s += (busy + ticks[kTaken] + ticks[kIdle] + ticks[kWait]) / ticks_per_s;
  }
  if (!has_any) return std::nullopt;
  return sum;
}

std::optional<HostCpu> read_host_cpu() {
  constexpr int64_t kMostBytes = 1 << 20;  // of the largest machines
  const Result<std::string> text = read_file("/proc/stat", kMostBytes);
  if (!text) return std::nullopt;
  std::optional<HostCpu> cpu =
      parse_host_cpu(*text, static_cast<double>(::sysconf(_SC_CLK_TCK)), cpus_of_this_process());
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
