// Reads what launchers put into the environment; see launcher.h.
#include "os/launcher.h"

#include <sys/utsname.h>

#include <string_view>

#include "base/base.h"

namespace assay {
namespace {

using Variables = std::span<const std::pair<std::string, std::string>>;

struct LauncherRow {
  LauncherKind kind;
  const char* name;
  const char* rank_variable;
  const char* ranks_variable;
};

// The first whose variables are there: mpirun within a job of Slurm leaves those of Slurm in place.
// SLURM_NTASKS would be the job's, which batch scripts have as well; that of the step is srun's.
constexpr LauncherRow kLauncherRows[] = {
    {LauncherKind::kOpenMpi, "Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {LauncherKind::kPmi, "a launcher that speaks PMI", "PMI_RANK", "PMI_SIZE"},
    {LauncherKind::kSlurm, "srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
};

std::string_view launcher_variable(Variables variables, std::string_view name) {
  for (const auto& [key, value] : variables) {
    if (key == name) return value;
  }
  return "";
}

// mpirun hands the parameters that it was given on as OMPI_MCA_…
const char* open_mpi_advice(Variables variables) {
  const auto is_off = [](std::string_view value) {
    return value == "0" || value == "false" || value == "no";
  };
  const std::string_view recovery = launcher_variable(variables, "OMPI_MCA_orte_enable_recovery");
  if (recovery.empty() || is_off(recovery))
    return "A rank that dies will end all the others: give mpirun --enable-recovery --mca orte_abort_on_non_zero_status 0.";
  if (!is_off(launcher_variable(variables, "OMPI_MCA_orte_abort_on_non_zero_status")))
    return "With --enable-recovery alone mpirun may wait for ever where the result is not good, since rank 0 then ends with "
           "1: give it --mca orte_abort_on_non_zero_status 0, too.";
  return "";
}

}  // namespace

std::optional<LauncherPlace> launcher_place(Variables variables) {
  constexpr int64_t kMostRanks = 1'000'000;
  for (const LauncherRow& row : kLauncherRows) {
    const auto rank = parse_integer(launcher_variable(variables, row.rank_variable));
    const auto ranks = parse_integer(launcher_variable(variables, row.ranks_variable));
    if (!rank || !ranks || *ranks < 1 || *ranks > kMostRanks || *rank < 0 || *rank >= *ranks) continue;
    if (*ranks == 1) return std::nullopt;
    LauncherPlace place{.kind = row.kind,
                        .name = row.name,
                        .rank = static_cast<uint32_t>(*rank),
                        .ranks = static_cast<uint32_t>(*ranks)};
    if (row.kind == LauncherKind::kOpenMpi) place.advice = open_mpi_advice(variables);
    return place;
  }
  return std::nullopt;
}

bool is_output_passed_on(Variables variables) {
  return launcher_place(variables) || !launcher_variable(variables, "OMPI_COMM_WORLD_RANK").empty();
}

std::string host_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "unknown";
}

}  // namespace assay
