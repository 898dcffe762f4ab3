// All descriptors from a number on, at once: what a child process must not inherit.
#pragma once

namespace assay {

// All are async-signal-safe, for use between fork and exec. Where the kernel has no close_range
// (Linux 5.9, 5.11 for its flag) each number is gone through, up to the limit of open files or a million.
void close_from(int first);
void close_all_but(int kept);
void close_on_exec_from(int first);

}  // namespace assay
