// Whether, and by what, this process was started as one of several ranks: mpirun, mpiexec or srun say so in
// the environment.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace assay {

enum class LauncherKind {
  kOpenMpi,  // mpirun of Open MPI
  kPmi,      // Hydra and others that speak PMI: MPICH, Intel MPI, MVAPICH
  kSlurm,    // srun
};

struct LauncherPlace {
  LauncherKind kind = LauncherKind::kOpenMpi;
  const char* name = "";  // "Open MPI's mpirun"
  uint32_t rank = 0;      // as the launcher counts, for messages before MPI is there
  uint32_t ranks = 1;     // more than one
  // What the user should have given it besides, where that is known; "": nothing.
  const char* advice = "";
};

// Nothing if this process stands alone: there is no launcher, or it started only one. A batch script of Slurm
// is alone, too, whatever the job's size: only srun makes ranks. `variables`: the whole environment.
std::optional<LauncherPlace> launcher_place(std::span<const std::pair<std::string, std::string>> variables);

// Whether a launcher passes on what this process writes, so that a terminal which it sees need not be the
// user's: Open MPI's mpirun gives its ranks pseudo terminals, also a single one, and whatever its own output
// goes to. srun for one rank is no such case: with --pty the terminal is the user's.
bool is_output_passed_on(std::span<const std::pair<std::string, std::string>> variables);

// This machine's name, as it calls itself.
std::string host_name();

}  // namespace assay
