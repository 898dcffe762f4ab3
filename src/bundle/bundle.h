// The front door of bundle: how the program starts on a machine that it was not built on. The launcher, a
// small static program, sees whether the host's dynamic loader and C library are as new as those that the
// bundle carries, and runs the program with the newer ones.
#pragma once

#include "bundle/elf_file.h"     // IWYU pragma: export
#include "bundle/launch_plan.h"  // IWYU pragma: export
