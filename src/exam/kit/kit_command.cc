// The command and the environment of a kit's trial; see kit_trial.h and docs/formats/kit.md.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exam/kit/kit_trial.h"

namespace assay {
namespace {

// A quick look leaves a kit some seconds more than the engine's kernels, since it measures everything itself.
constexpr double kQuickDurationS = 4;
// A shorter value tells nobody anything, and "0" would be hidden in every number of a log.
constexpr size_t kLeastSecretBytes = 4;

bool is_python(const std::string& file) {
  return file.ends_with(".py");
}

// One of assay's own by its name, or the user's file.
struct KitFile {
  std::string path;
  bool is_own = false;
};
KitFile file_of(const ExamContext& context, const std::string& kit) {
  const KitRow* row = find_kit(kit);
  if (row == nullptr) return {kit, false};
  return {fmt::format("{}/{}", context.kit_directory, row->file), true};
}

double duration_s(const Scenario& scenario) {
  const double wanted = scenario.roofline.max_duration_s;
  return scenario.is_quick ? std::max(wanted, kQuickDurationS) : wanted;
}

// "SIZES" of "sizes".
std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// As a shell reads it: a text without its quotes.
std::string plain(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

// What the kit is told, as the protocol names it.
Json job_of(const ExamContext& context, const Trial& trial, const TargetSpec& target) {
  const Scenario& scenario = context.scenario;
  Json parameters = Json::object(), job = Json::object();
  for (const auto& [name, value] : target.kit.parameters) parameters.set(name, value);
  return job.set("protocol", 1)
      .set("exam", trial.exam)
      .set("duration_s", duration_s(scenario))
      .set("time_limit_s", target.kit.time_limit_s)
      .set("relative_interval", scenario.roofline.relative_interval)
      .set("seed", static_cast<int64_t>(scenario.seed))
      .set("quick", scenario.is_quick ? 1 : 0)
      .set("parameters", std::move(parameters));
}

void set_variable(KitCommand& command, const std::string& name, std::string value) {
  std::erase_if(command.environment, [&](const auto& known) { return known.first == name; });
  command.environment.emplace_back(name, std::move(value));
}

void tell_job(const Json& job, KitCommand& command) {
  for (const auto& [name, value] : job.members()) {
    if (!value.is_object()) set_variable(command, "ASSAY_KIT_" + upper(name), plain(value));
  }
  for (const auto& [name, value] : job["parameters"].members())
    set_variable(command, "ASSAY_KIT_PARAMETER_" + upper(name), plain(value));
  set_variable(command, "ASSAY_KIT_JOB", job.dump());
}

}  // namespace

Result<KitCommand> kit_command(const ExamContext& context, const Trial& trial, const TargetSpec& target) {
  const KitFile file = file_of(context, trial.parameters["kit"].as_string());
  if (!file_exists(file.path))
    return fail("the kit is not there", file.path,
                file.is_own ? "ASSAY_KIT_DIR names the folder of assay's own kits." : "Check the path.");
  KitCommand command;
  command.environment = context.server_environment;
  std::erase_if(command.environment, [](const auto& known) { return known.first.starts_with("ASSAY_"); });
  std::string python = target.kit.python;
  if (python.empty() && is_python(file.path)) python = "python3";
  if (!python.empty()) command.command.push_back(python);
  command.command.push_back(file.path);
  command.command.insert(command.command.end(), target.kit.arguments.begin(), target.kit.arguments.end());
  set_variable(command, "PYTHONDONTWRITEBYTECODE", "1");
  for (const StackVariable& variable : target.kit.variables) {
    std::string value = variable.passes_on ? context.secret(variable.name) : variable.value;
    if (variable.passes_on && value.empty()) continue;  // it is not set here either
    if (variable.passes_on && value.size() >= kLeastSecretBytes) command.secrets.push_back(value);
    set_variable(command, variable.name, std::move(value));
  }
  tell_job(job_of(context, trial, target), command);
  return command;
}

}  // namespace assay
