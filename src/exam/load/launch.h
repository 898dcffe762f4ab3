// Servers that the scenario launches: started before the first trial of their target, kept between its
// trials, started again if they died, and stopped after the last.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exam/exam.h"

namespace assay {

struct Launch {
  bool is_new = false;             // it was launched now
  std::optional<Finding> finding;  // stack.server-died: the one before had ended since the last trial
};

// Sees to it that context.server is that of `spec` and runs: launches it, unless a trial before has left it
// running. What it takes from the environment is read through context.secret.
Result<Launch> launch_server(ExamContext& context, const TargetSpec& spec, const std::string& api_key);

// cold_start_s and, if the target knows when its first token came, cold_start_first_token_s; without
// conditions.
std::vector<Record> cold_start_records(const LaunchedServer& server, const TargetInfo& info);

// At the end of a trial: what the server said goes into `outcome` as the artifact "server.output". One that
// has ended makes the trial a failed one, with the finding stack.server-died. After the last trial of its
// target it is stopped; one that had to be killed is a finding, stack.killed. Nothing to do without a server.
void settle_server(ExamContext& context, bool is_last_of_target, TrialOutcome& outcome);

}  // namespace assay
