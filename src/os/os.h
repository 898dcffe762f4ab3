// The front door of os: everything that asks the operating system for something.
#pragma once

#include "os/clock.h"         // IWYU pragma: export
#include "os/clock_offset.h"  // IWYU pragma: export
#include "os/event_loop.h"    // IWYU pragma: export
#include "os/files.h"         // IWYU pragma: export
#include "os/group_guard.h"   // IWYU pragma: export
#include "os/host_cpu.h"      // IWYU pragma: export
#include "os/host_tree.h"     // IWYU pragma: export
#include "os/large_files.h"   // IWYU pragma: export
#include "os/launcher.h"      // IWYU pragma: export
#include "os/listen.h"        // IWYU pragma: export
#include "os/mpi.h"           // IWYU pragma: export
#include "os/output_place.h"  // IWYU pragma: export
#include "os/process.h"       // IWYU pragma: export
#include "os/rank_clock.h"    // IWYU pragma: export
#include "os/rank_link.h"     // IWYU pragma: export
#include "os/side_by_side.h"  // IWYU pragma: export
#include "os/socket.h"        // IWYU pragma: export
#include "os/thread.h"        // IWYU pragma: export
#include "os/tree_keeper.h"   // IWYU pragma: export
