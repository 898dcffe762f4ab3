// Which environments are those of one rank among several.
#include "os/launcher.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay::launcher_test {

using Variables = std::vector<std::pair<std::string, std::string>>;

TEST(Launcher, NobodyStartedThis) {
  EXPECT_FALSE(launcher_place(Variables{{"PATH", "/bin"}, {"SLURM_JOB_ID", "7"}}));
}

TEST(Launcher, OpenMpiSaysRankAndNumber) {
  const auto place = launcher_place(Variables{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "8"}});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->kind, LauncherKind::kOpenMpi);
  EXPECT_EQ(place->rank, 3U);
  EXPECT_EQ(place->ranks, 8U);
}

TEST(Launcher, OpenMpiNeedsTwoParametersForTheDeathOfARank) {
  Variables variables{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}};
  EXPECT_NE(std::string(launcher_place(variables)->advice).find("--enable-recovery"), std::string::npos);
  variables.push_back({"OMPI_MCA_orte_enable_recovery", "1"});
  EXPECT_NE(std::string(launcher_place(variables)->advice).find("wait for ever"), std::string::npos);
  variables.push_back({"OMPI_MCA_orte_abort_on_non_zero_status", "0"});
  EXPECT_STREQ(launcher_place(variables)->advice, "");
}

TEST(Launcher, OneRankStandsAlone) {
  EXPECT_FALSE(launcher_place(Variables{{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}));
  // Even within a job of several tasks.
  EXPECT_FALSE(launcher_place(Variables{{"OMPI_COMM_WORLD_RANK", "0"},
                                        {"OMPI_COMM_WORLD_SIZE", "1"},
                                        {"SLURM_PROCID", "0"},
                                        {"SLURM_STEP_NUM_TASKS", "4"}}));
}

TEST(Launcher, OutputIsPassedOnByWhoStartsSeveralAndByMpirunAlways) {
  EXPECT_TRUE(is_output_passed_on(Variables{{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}));
  EXPECT_TRUE(is_output_passed_on(Variables{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}));
  EXPECT_FALSE(is_output_passed_on(Variables{{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}))
      << "srun --pty";
  EXPECT_FALSE(is_output_passed_on(Variables{{"PATH", "/bin"}}));
}

TEST(Launcher, ABatchScriptOfSlurmIsNoRank) {
  EXPECT_FALSE(launcher_place(Variables{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}));
  EXPECT_TRUE(launcher_place(Variables{{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "8"}}));
}

TEST(Launcher, WhatIsNoRankIsIgnored) {
  for (const auto& [rank, ranks] :
       {std::pair{"8", "8"}, {"-1", "8"}, {"x", "8"}, {"0", "0"}, {"0", "99999999"}})
    EXPECT_FALSE(launcher_place(Variables{{"PMI_RANK", rank}, {"PMI_SIZE", ranks}}))
        << rank << " of " << ranks;
}

}  // namespace assay::launcher_test
