// Priority and CPU time of single threads, as Linux keeps them; see thread.h.
#include "os/thread.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "os/clock.h"

namespace assay {

void lower_thread_priority() {
  const sched_param ordinary{.sched_priority = 0};
  // Not SCHED_IDLE: a thread that holds a lock of the kernel's on our memory must get on with it.
  ::sched_setscheduler(0, SCHED_OTHER, &ordinary);
  constexpr int kNicest = 19;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNicest);
}

Nanos thread_cpu_time() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace assay
