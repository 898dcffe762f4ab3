// Session: one run from its scenario to its report: the folder, the dossier, the trials, what they mean for
// the exit code. Commands that evaluate differ in where their scenario comes from and in what they print at
// the end.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/progress.h"
#include "exam/evaluation.h"

namespace assay {

inline constexpr const char* kBuiltIn = "built-in";  // the path of the scenario that nobody wrote

// What the command line changes about a scenario; kept in the dossier, so that a resumed run is the same run.
struct Overrides {
  bool is_quick = false;
  std::string only;
  std::string seed;

  Json to_json() const { return Json::Object{{"quick", is_quick}, {"only", only}, {"seed", seed}}; }
  static Overrides from_json(const Json& json) {
    return {json["quick"].as_bool(), json["only"].as_string(), json["seed"].as_string()};
  }
};

class RankStart;  // load/ranks/rank_start.h

struct SessionStart {
  std::string scenario_text;
  std::string
      scenario_path;  // a file, kBuiltIn, or "" for a text that a command made: it is then kept in the folder
  std::string text_origin = "";  // of such a text, for errors
  ErrorTelling tell_error = {};  // says errors in such a text of what it was made of
  std::string folder;            // "": a fresh one
  Overrides overrides;
  PlanShare share;  // what this process sends of a load that several ranks send together
};

// One run under way: what is known before the first trial.
struct Session {
  std::string folder;
  FileDescriptor lock;  // of the folder: nobody else resumes this run meanwhile
  Scenario scenario;
  std::vector<ExpandedTarget> targets;
  Dossier dossier;
  RankStart* ranks = nullptr;  // of several load generators: how they begin
  bool keeps_stopped = false;  // what an interrupted load trial has is kept, and shown
};

// What a run writes into its folder, by name.
std::vector<std::string> files_of_run();

// Reads the scenario, looks at the machine where devices are asked for, and makes the folder and the dossier.
// Nothing is left behind by what fails before the first trial.
Result<Session> begin_session(CommandContext& context, const SessionStart& start, ProgressDisplay& display);
// `folder` empty: the newest unfinished run.
Result<Session> resume_session(std::string folder, ProgressDisplay& display);

// A folder that no run has yet: assay-out/TIME-NAME.
std::string fresh_run_folder(const std::string& wall_time, const std::string& name);
// 32 hex digits that no other run has. `folder`: where it will lie.
std::string fresh_run_id(const std::string& folder, const CliEnvironment& environment);
// The scenario of a run that was begun, if it still means what it meant then.
Result<Scenario> scenario_of_run(const RunInfo& run);
// What a run in `folder` would write over: a run is there already, or a file of that name.
// `writes_scenario`: the run keeps its scenario there, too.
Result<void> check_no_run_in(const std::string& folder, bool writes_scenario);
std::string dossier_path(const std::string& folder);
// assay-out/latest, where the folder lies in assay-out.
void point_latest_at(const std::string& folder);

// Runs what is left of the trials and writes the report page. An interruption is an error that says how to go
// on.
Result<DossierContent> evaluate_session(CommandContext& context, Session& session, ProgressDisplay& display);
std::string report_path(const Session& session);
// Renders the report page of `dossier` into `folder` and returns its path.
Result<std::string> write_report(const Dossier& dossier, const std::string& folder);

// 2 when no trial could even try its target. 1 when a trial failed or was stopped, a requirement is not met,
// or a result is void. An answer of no counts where the scenario has no requirements, but for the scenario
// that nobody wrote: it describes this machine, and its limits are no demand.
int exit_code(const DossierContent& content);
// Why it is not 0, a phrase each.
std::vector<std::string> exit_reasons(const DossierContent& content);

}  // namespace assay
