// What a thread that works beside a measurement owes to it: to stay out of its way, and to account for
// itself.
#pragma once

#include "base/base.h"

namespace assay {

// The calling thread runs only in time that others leave: the ordinary scheduler (also where it began under a
// real-time one) with nice 19, a seventieth of the weight of a thread at nice 0, which pre-empts it at once.
// What the kernel refuses stays as it was.
void lower_thread_priority();

// CPU time of the calling thread, user and system.
Nanos thread_cpu_time();

}  // namespace assay
