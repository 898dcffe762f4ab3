// MPI as a RankLink. The library is loaded while the program runs, and only under a launcher: assay is built
// and runs without one.
#pragma once

#include <memory>
#include <string>

#include "base/base.h"
#include "os/clock.h"
#include "os/launcher.h"
#include "os/rank_link.h"

namespace assay {

// Loads the MPI library that belongs to the launcher (`library` names another file; empty: by the usual
// names), initialises it and asks who we are. Both binary interfaces that exist are known, Open MPI's and
// that of MPICH and its kin (Intel MPI, MVAPICH, Cray); a library that has neither is refused. Fails too
// where the library does not see the ranks that the launcher started: it then belongs to another launcher.
// Blocks until every rank is here, as MPI_Init does. Once in a process. `clock` must outlive the link.
Result<std::unique_ptr<RankLink>> open_mpi(const LauncherPlace& place, const std::string& library,
                                           Clock& clock);

}  // namespace assay
