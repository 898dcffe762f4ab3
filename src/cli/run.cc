// `assay run`: a scenario from file to report.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/places.h"
#include "cli/session.h"
#include "report/report.h"

namespace assay {
namespace {

constexpr int64_t kMaxScenarioBytes = 1 << 20;

constexpr OptionSpec kRunOptions[] = {
    {"--out", "DIR", "Where dossier and report go.", "assay-out/TIME-NAME", "directory"},
    {"--only", "EXAM,…", "Run only these exams.", "those of the scenario", "exam"},
    {"--quick", nullptr,
     "A look in under a minute: fewer and shorter trials, and a tiny model in place of a larger synthetic one.",
     nullptr, nullptr},
    {"--resume", nullptr,
     "Go on with the run in --out, or with the newest unfinished one; what did not reach its target is tried again.",
     nullptr, nullptr},
    {"--seed", "N", "Seed of every random choice.", "the scenario's", nullptr},
};

constexpr PositionalSpec kRunPositionals[] = {
    {"SCENARIO", "A scenario file (TOML). Without one: this machine, with the built-in scenario.", false,
     "file"},
};

Result<Session> session_of(CommandContext& context, const ParsedOptions& options, ProgressDisplay& display) {
  if (options.has("--resume")) return resume_session(options.value("--out"), display);
  SessionStart start{
      .scenario_text = std::string(built_in_scenario_text()),
      .scenario_path = kBuiltIn,
      .folder = options.value("--out"),
      .overrides = {options.has("--quick"), options.value("--only"), options.value("--seed")},
  };
  if (options.has("SCENARIO")) {
    start.scenario_path = options.value("SCENARIO");
    ASSIGN_OR_RETURN(start.scenario_text, read_file(start.scenario_path, kMaxScenarioBytes));
  }
  return begin_session(context, start, display);
}

// What tries again what did not reach its target; else what shows the report where somebody sits: an ssh
// session and a container have no screen to show it on.
std::string next_command(const Session& session, const DossierContent& content,
                         const CliEnvironment& environment) {
  if (!untried_trials(content).empty()) return "assay run --resume --out " + session.folder;
  const bool has_screen =
      !environment.variable("DISPLAY").empty() || !environment.variable("WAYLAND_DISPLAY").empty();
  return has_screen ? "xdg-open " + report_path(session) : "";
}

Result<int> run_run(CommandContext& context, const ParsedOptions& options) {
  RETURN_IF_ERROR(find_places(context.environment));  // before anything is begun
  ProgressDisplay display(context.terminal, context.environment.clock);
  if (options.has("--resume") && options.has("SCENARIO")) {
    return fail("--resume takes the scenario from the dossier", options.value("SCENARIO"),
                "Leave the file out.");
  }
  for (const char* name : {"--seed", "--only", "--quick"}) {
    if (options.has("--resume") && options.has(name)) {
      return fail("--resume goes on with the run as it was begun", name, "Leave the option out.");
    }
  }
  ASSIGN_OR_RETURN(Session session, session_of(context, options, display));
  ASSIGN_OR_RETURN(const DossierContent content, evaluate_session(context, session, display));
  if (options.has("--json")) {
    ASSIGN_OR_RETURN(const std::string json, render_json(session.dossier));
    RETURN_IF_ERROR(context.terminal.out(json));
  } else {
    const TerminalOptions summary{.width = static_cast<size_t>(context.terminal.width()),
                                  .colour = context.terminal.out_colour(),
                                  .dossier_path = session.dossier.path(),
                                  .report_path = report_path(session),
                                  .next_command = next_command(session, content, context.environment),
                                  .exit_code = exit_code(content),
                                  .shortfalls = exit_reasons(content)};
    RETURN_IF_ERROR(context.terminal.out(render_terminal_summary(content, summary)));
  }
  return exit_code(content);
}

}  // namespace

Command run_command() {
  return {
      .name = "run",
      .title = "Evaluate: this machine, or what a scenario names",
      .description =
          "Runs every exam of a scenario on every target, trial by trial, into one file, the dossier, and ends with the "
          "consolidated report. Without a scenario it evaluates this machine: it looks at every device, measures what "
          "its kernels and the engine reach, and loads it with mixed traffic of a real language model.\n"
          "A run that is interrupted or killed loses at most the trial under way: --resume goes on with it. Nothing "
          "is overwritten: a folder with a run, or with a file that the run would write, is refused.",
      .options = kRunOptions,
      .positionals = kRunPositionals,
      .example =
          "assay run\nassay run --quick\nassay run examples/endpoint.toml --out results\n"
          "assay run --resume --out results\nassay run my.toml --only roofline,load --seed 7",
      .run = run_run,
      .ranks = RankUse::kRefuses,
  };
}

}  // namespace assay
