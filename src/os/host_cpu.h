// CPU time of the machine beside our own: what other work took from a measurement.
#pragma once

#include <optional>
#include <set>
#include <string_view>

#include "base/base.h"

namespace assay {

// Since the machine began, summed over the CPUs that this process may use.
struct HostCpu {
  double busy_s = 0;   // all processes and the kernel
  double taken_s = 0;  // by the hypervisor for other machines
  double total_s = 0;  // with the time in which nothing ran
  double own_s = 0;    // of this process and of its children that have ended
};

// From /proc/stat (proc(5)), in which there are `ticks_per_s` to a second, without own_s: the sum over the
// CPUs with these numbers. Nothing where none of them stands there.
std::optional<HostCpu> parse_host_cpu(std::string_view text, double ticks_per_s, const std::set<int>& cpus);
// Of this machine, now. Nothing where the system does not tell.
std::optional<HostCpu> read_host_cpu();

// What other work took between two readings, of which `before` came first.
struct OtherWork {
  double cpus = 0;    // so many on average
  double share = 0;   // of the time of all those CPUs
  double in_use = 0;  // share of all CPU time that was used at all
};
// Nothing if no time passed between them.
std::optional<OtherWork> other_work(const HostCpu& before, const HostCpu& after, double elapsed_s);

}  // namespace assay
