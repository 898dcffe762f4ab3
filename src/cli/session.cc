// From a scenario to a report; see session.h.
#include "cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "cli/calibrate.h"
#include "cli/places.h"
#include "exam/exam.h"
#include "report/report.h"

namespace assay {
namespace {

constexpr const char* kResultsFolder = "assay-out";
constexpr const char* kDossierName = "dossier.assay";
constexpr const char* kReportName = "report.html";
constexpr const char* kScenarioName = "scenario.toml";

Result<void> select_exams(const std::string& only, Scenario& scenario) {
  const std::vector<std::string> known = exam_names();
  std::vector<std::string> wanted;
  for (const std::string_view part : split(only, ',')) {
    const std::string name(trim(part));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return fail(fmt::format("unknown exam '{}'.{}", printable(name), suggestion(name, known)), "--only",
                  "`assay list exams` shows them all.");
    }
    wanted.push_back(name);
  }
  scenario.exams.clear();
  for (const std::string& name : known) {
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) scenario.exams.push_back(name);
  }
  return {};
}

// What the file's own exams are held against when it is read.
Result<void> check_traffic_of(const Scenario& scenario, const std::string& path) {
  const bool has_load = std::ranges::find(scenario.exams, "load") != scenario.exams.end();
  const bool is_sent_any = std::ranges::any_of(scenario.targets, &TargetSpec::takes_traffic);
  if (!has_load || !is_sent_any || !scenario.load.classes.empty()) return {};
  return fail("the load exam needs traffic, and this scenario has none", path,
              "Add a [[traffic]] table, or leave \"load\" out of --only.");
}

Result<Scenario> make_scenario(std::string_view text, const std::string& path, const Overrides& overrides,
                               const ErrorTelling& tell = {}) {
  ASSIGN_OR_RETURN(Scenario scenario, parse_scenario(text, path, exam_names(), tell));
  if (!overrides.only.empty()) {
    RETURN_IF_ERROR(select_exams(overrides.only, scenario));
    RETURN_IF_ERROR(check_traffic_of(scenario, path));
  }
  if (!overrides.seed.empty()) {
    const std::optional<int64_t> seed = parse_integer(overrides.seed);
    if (!seed || *seed < 0)
      return fail(fmt::format("'{}' is no seed", printable(overrides.seed)), "--seed",
                  "Give a whole number from 0.");
    scenario.seed = static_cast<uint64_t>(*seed);
  }
  if (overrides.is_quick) scenario = quick(std::move(scenario));
  return scenario;
}

// What a run is begun with beside the text of its scenario: where that stood, wherever one stands who goes
// on with it, and what the traces held that it names.
Json plan_json(const Scenario& scenario, const SessionStart& start) {
  Json files = Json::array();
  for (const ScenarioFile& file : scenario.files) {
    files.push(Json::object().set("path", absolute_path(file.path)).set("content_key", file.key));
  }
  const std::string path = scenario.path == kBuiltIn ? kBuiltIn : absolute_path(scenario.path);
  Json plan = Json::object();
  plan.set("overrides", start.overrides.to_json()).set("scenario_file", path).set("files", files);
  if (start.share.ranks > 1) plan.set("rank", start.share.rank).set("ranks", start.share.ranks);
  return plan;
}

// "2026-11-24T05:36:46Z" as part of a file name: "20261124-053646".
std::string time_for_name(const std::string& wall_time) {
  std::string digits;
  for (const char c : wall_time) {
    if (c >= '0' && c <= '9') digits += c;
    if (c == 'T') digits += '-';
  }
  return digits;
}

std::string name_for_file(std::string_view name) {
  std::string out;
  for (const char c : lower(name)) {
    const bool keeps = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keeps) out += c;
    if (!keeps && !out.empty() && out.back() != '-') out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.substr(0, 40);
}

bool is_of_ranks(const DossierContent& content) {
  return !content.run.plan["ranks"].is_null();
}

// Something is left to do: trials, or the end of the run, or what did not reach its target.
bool can_be_resumed(const DossierContent& content) {
  return !is_of_ranks(content) && (content.run.finished_at.empty() || !untried_trials(content).empty());
}

Result<std::string> newest_unfinished() {
  const Result<std::vector<std::string>> names = list_directory(kResultsFolder);
  if (names) {
    for (auto it = names->rbegin(); it != names->rend(); ++it) {
      std::string folder = fmt::format("{}/{}", kResultsFolder, *it);
      const std::string path = folder + "/" + kDossierName;
      if (*it == "latest" || !file_exists(path)) continue;
      const Result<Dossier> dossier = Dossier::open_read_only(path);
      if (!dossier) continue;
      const Result<DossierContent> content = dossier->read();
      if (content && can_be_resumed(*content)) return folder;
    }
  }
  return fail("there is no unfinished run here to resume", kResultsFolder, "Name its folder with --out DIR.");
}

bool needs_devices(const Scenario& scenario) {
  return std::ranges::any_of(scenario.targets, &TargetSpec::is_on_device);
}

bool works_on_this_machine(const TargetSpec& target) {
  return target.is_on_device() || target.kind == TargetKind::kKit;
}

// What this machine is, if the scenario works on it; what could not be looked at is told.
Result<Json> look_at_machine(CommandContext& context, const Scenario& scenario, ProgressDisplay& display) {
  if (std::ranges::none_of(scenario.targets, works_on_this_machine)) return Json();
  display.note("looking at this machine …");
  ASSIGN_OR_RETURN(const Places places, find_places(context.environment));
  HostProbe probe = host_probe(context.environment, places);
  probe.asks_engine = needs_devices(scenario);
  probe.measure_speed = true;
  probe.asks_management = probe.only_of_cards = true;
  Json host = probe_host(probe, context.environment.clock, context.environment.interrupted);
  if (context.environment.interrupted())
    return fail("interrupted before the first trial", scenario.path, "Run it again.");
  for (const Json& note : host["devices_notes"].items()) display.note("⚠ " + note.as_string());
  return host;
}

// A name that "*" gives can be one that the scenario gave already.
Result<void> check_names(const std::vector<ExpandedTarget>& targets, const std::string& path) {
  for (size_t i = 0; i < targets.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (targets[i].spec.name != targets[j].spec.name) continue;
      return fail(fmt::format("two targets are called '{}'", printable(targets[i].spec.name)), path,
                  "Give the [[target]] with device = \"*\" a name of its own.");
    }
  }
  return {};
}

// Whatever the scenario takes a key from is kept from foreign code, too.
std::vector<std::pair<std::string, std::string>> without_keys(
    std::vector<std::pair<std::string, std::string>> variables, const Scenario& scenario) {
  for (const TargetSpec& target : scenario.targets) {
    std::erase_if(variables, [&](const auto& variable) { return variable.first == target.api_key_env; });
  }
  return variables;
}

WorkerCommand worker_without_keys(const CliEnvironment& environment, const Scenario& scenario) {
  WorkerCommand worker = worker_command(environment);
  worker.environment = without_keys(std::move(worker.environment), scenario);
  return worker;
}

// The exams sample every sensor that can be read, cards through their vendors' libraries among them.
PowerPlaces power_places(const CliEnvironment& environment, const Places& places) {
  HostProbe probe = host_probe(environment, places);
  probe.asks_management = true;
  return find_power_places(probe);
}

}  // namespace

Result<Scenario> scenario_of_run(const RunInfo& run) {
  // Dossiers of the first versions do not say where the scenario stood.
  const std::string& path = run.plan["scenario_file"].as_string();
  ASSIGN_OR_RETURN(Scenario scenario,
                   make_scenario(run.scenario_text, path.empty() ? run.scenario_path : path,
                                 Overrides::from_json(run.plan["overrides"])));
  for (const Json& file : run.plan["files"].items()) {
    for (const ScenarioFile& now : scenario.files) {
      if (file["path"].as_string() != now.path || file["content_key"].as_string() == now.key) continue;
      return fail("the trace has changed since the run began", now.path,
                  "Put it back as it was, or begin a new run.");
    }
  }
  scenario.path = run.scenario_path;
  return scenario;
}

// With a number behind it if two begin within one second.
std::string fresh_run_folder(const std::string& wall_time, const std::string& name) {
  const std::string base =
      fmt::format("{}/{}-{}", kResultsFolder, time_for_name(wall_time), name_for_file(name));
  std::string folder = base;
  for (int i = 2; file_exists(folder); ++i) folder = fmt::format("{}-{}", base, i);
  return folder;
}

std::string fresh_run_id(const std::string& folder, const CliEnvironment& environment) {
  return content_key(fmt::format("{}|{}|{}|{}", absolute_path(dossier_path(folder)),
                                 environment.clock.wall_time(), environment.clock.now().count, ::getpid()));
}

std::string dossier_path(const std::string& folder) {
  return folder + "/" + kDossierName;
}

// A convenience for people and scripts; a file system without symbolic links does without.
void point_latest_at(const std::string& folder) {
  if (parent_directory(folder) != kResultsFolder) return;
  std::error_code ignored;
  const std::filesystem::path link = std::filesystem::path(kResultsFolder) / "latest";
  std::filesystem::remove(link, ignored);
  std::filesystem::create_directory_symlink(file_name(folder), link, ignored);
}

Result<void> check_no_run_in(const std::string& folder, bool writes_scenario) {
  const std::string path = dossier_path(folder);
  if (!file_exists(path)) {
    for (const char* name : {kReportName, kScenarioName}) {
      const std::string file = folder + "/" + name;
      if (!file_exists(file) || (name == kScenarioName && !writes_scenario)) continue;
      return fail("the run would write over this file", file, "Move it away, or name another folder.");
    }
    return {};
  }
  const Result<Dossier> there = Dossier::open_read_only(path);
  const Result<DossierContent> content = there ? there->read() : std::unexpected(there.error());
  const bool is_finished = content && !content->run.finished_at.empty();
  if (is_finished && !can_be_resumed(*content))
    return fail("there is a finished run in this folder", path,
                fmt::format("`assay report {}` shows it; name another folder to run again.", folder));
  return fail(
      "there is a run in this folder already", path,
      is_finished
          ? fmt::format("`assay run --resume --out {}` tries again what did not reach its target, with the "
                        "scenario as it was; to run another, name another folder.",
                        folder)
          : "Add --resume to go on with it, or name another folder.");
}

Result<Session> begin_session(CommandContext& context, const SessionStart& start, ProgressDisplay& display) {
  const std::string now = context.environment.clock.wall_time();
  // A text that a command made becomes a file of the run, so that it can be changed and run again.
  std::string path = start.scenario_path.empty() ? start.text_origin : start.scenario_path;
  ASSIGN_OR_RETURN(Scenario scenario,
                   make_scenario(start.scenario_text, path, start.overrides, start.tell_error));
  const std::string folder = start.folder.empty() ? fresh_run_folder(now, scenario.name) : start.folder;
  if (start.scenario_path.empty()) path = scenario.path = folder + "/" + kScenarioName;
  RETURN_IF_ERROR(check_no_run_in(folder, start.scenario_path.empty()));
  ASSIGN_OR_RETURN(Json host, look_at_machine(context, scenario, display));
  RETURN_IF_ERROR(check_devices(scenario, host));
  std::vector<ExpandedTarget> targets = expand_targets(scenario, host);
  RETURN_IF_ERROR(check_names(targets, path));
  const std::vector<Trial> trials = plan_trials(scenario, targets);
  if (trials.empty()) {
    return fail("this scenario plans nothing: no target was found for its exams", path,
                "`assay probe` shows the devices of this machine.");
  }
  const bool has_load = std::ranges::any_of(trials, [](const Trial& trial) { return trial.exam == "load"; });
  if (has_load) {
    if (const auto calibration = calibration_here(context.environment))
      host.set("calibration", calibration->to_json());
  }
  RETURN_IF_ERROR(make_directories(folder));
  ASSIGN_OR_RETURN(FileDescriptor lock, lock_directory(folder));
  if (start.scenario_path.empty()) RETURN_IF_ERROR(write_file_atomically(path, start.scenario_text));
  RunInfo run{.id = fresh_run_id(folder, context.environment),
              .assay_version = kVersion,
              .created_at = now,
              .scenario_name = scenario.name,
              .scenario_path = path,
              .scenario_text = start.scenario_text,
              .seed = scenario.seed,
              .plan = plan_json(scenario, start),
              .host = host};
  ASSIGN_OR_RETURN(Dossier dossier,
                   Dossier::create(dossier_path(folder), run, trials, scenario.requirements));
  return Session{folder, std::move(lock), std::move(scenario), std::move(targets), std::move(dossier)};
}

std::vector<std::string> files_of_run() {
  return {kDossierName, kReportName, kScenarioName};
}

Result<Session> resume_session(std::string folder, ProgressDisplay& display) {
  if (folder.empty()) {
    ASSIGN_OR_RETURN(folder, newest_unfinished());
  }
  const std::string path = folder + "/" + kDossierName;
  if (!file_exists(path)) return fail("there is no run in this folder to resume", path, "Check --out.");
  ASSIGN_OR_RETURN(FileDescriptor lock, lock_directory(folder));
  ASSIGN_OR_RETURN(Dossier dossier, Dossier::open(path));
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  if (is_of_ranks(content))
    return fail("this is a load that several ranks sent together, which cannot be resumed", path,
                "Run it again; `assay load --merge` puts together what the ranks have left.");
  ASSIGN_OR_RETURN(Scenario scenario, scenario_of_run(content.run));
  std::vector<ExpandedTarget> targets = expand_targets(scenario, content.run.host);
  const std::set<int64_t> untried = untried_trials(content);
  const auto done = std::count_if(content.trials.begin(), content.trials.end(), [&](const Trial& trial) {
    return trial.state != TrialState::kPlanned && trial.state != TrialState::kRunning &&
           !untried.contains(trial.id);
  });
  display.note(fmt::format("resuming {}: {} of {} trials done", folder, done, content.trials.size()));
  return Session{folder, std::move(lock), std::move(scenario), std::move(targets), std::move(dossier)};
}

int exit_code(const DossierContent& content) {
  if (was_nothing_tried(content)) return 2;
  return exit_reasons(content).empty() ? 0 : 1;
}

std::vector<std::string> exit_reasons(const DossierContent& content) {
  const bool asks = content.run.scenario_path != kBuiltIn && content.requirements.empty();
  return shortfalls(content, asks);
}

Result<std::string> write_report(const Dossier& dossier, const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string html, render_html(dossier));
  std::string path = folder + "/" + kReportName;
  if (Result<void> written = write_file_atomically(path, html); !written) {
    Error error = std::move(written).error();
    error.remedy +=
        fmt::format("{}All that was measured is in {}; `assay report {} -o FILE.html` writes the report.",
                    error.remedy.empty() ? "" : " ", dossier.path(), folder);
    return std::unexpected(std::move(error));
  }
  return path;
}

std::string report_path(const Session& session) {
  return session.folder + "/" + kReportName;
}

Result<DossierContent> evaluate_session(CommandContext& context, Session& session, ProgressDisplay& display) {
  ASSIGN_OR_RETURN(const Places places, find_places(context.environment));
  point_latest_at(session.folder);
  ExamContext exam_context{
      .scenario = session.scenario,
      .clock = context.environment.clock,
      .progress = display,
      .worker = worker_without_keys(context.environment, session.scenario),
      .bundled_model_directory = places.bundled_model_directory,
      .model_cache_directory = places.model_cache_directory,
      .model_cache_limit_bytes = places.model_cache_limit_bytes,
      .kit_directory = places.kit_directory,
      .server_environment = without_keys(server_environment(context.environment), session.scenario),
      .power = power_places(context.environment, places),
      .interrupted = context.environment.interrupted,
      .interrupted_again = session.keeps_stopped ? context.environment.interrupted_again : nullptr,
      .secret = [&](const std::string& name) { return context.environment.variable(name); },
      .ranks = session.ranks,
      .host_cpu = read_host_cpu,
  };
  const auto observer = [&](const EvaluationStep& step) {
    if (step.outcome == nullptr) {
      display.begin(step.index, step.count, step.trial->name);
    } else {
      display.end(*step.outcome);
    }
  };
  ASSIGN_OR_RETURN(const EvaluationEnd end,
                   run_evaluation(session.dossier, exam_context, session.targets, observer));
  if (end == EvaluationEnd::kInterrupted) {
    if (session.ranks != nullptr)
      return fail("interrupted", session.dossier.path(), "A load of several ranks is run again as a whole.");
    return fail("interrupted; every finished trial is kept", session.dossier.path(),
                fmt::format("Go on with: assay run --resume --out {}", session.folder));
  }
  RETURN_IF_ERROR(write_report(session.dossier, session.folder));
  return session.dossier.read();
}

}  // namespace assay
