// Launching, keeping and stopping; see launch.h.
#include "exam/load/launch.h"

#include <fmt/format.h>

#include <algorithm>

#include "exam/findings.h"

namespace assay {
namespace {

LaunchOptions options_of(ExamContext& context, const TargetSpec& spec, const std::string& api_key) {
  const StackSpec& stack = spec.stack;
  LaunchOptions options{.target = spec.name,
                        .command = stack.launch,
                        .environment = context.server_environment,
                        .directory = stack.directory,
                        .url = spec.url(),
                        .api_key = api_key,
                        .ca_file = spec.ca_file,
                        .ready_path = stack.ready_path,
                        .ready_timeout_s = stack.ready_timeout_s,
                        .stop_timeout_s = stack.stop_timeout_s,
                        .interrupted = context.interrupted};
  for (const StackVariable& variable : stack.variables) {
    std::string value = variable.passes_on ? context.secret(variable.name) : variable.value;
    std::erase_if(options.environment, [&](const auto& known) { return known.first == variable.name; });
    if (variable.passes_on && value.empty()) continue;  // it is not set here either
    if (variable.passes_on) options.secrets.push_back(value);
    options.environment.emplace_back(variable.name, std::move(value));
  }
  options.on_waiting = [&context, name = spec.name](double waited_s) {
    context.progress.update(0, fmt::format("launched {}: not ready for {}", name, format_duration(waited_s)));
  };
  return options;
}

bool has_finding(const TrialOutcome& outcome, std::string_view code) {
  return std::ranges::any_of(outcome.findings, [&](const Finding& finding) { return finding.code == code; });
}

// The end of a server that nobody had stopped.
void note_death(const LaunchedServer& server, TrialOutcome& outcome) {
  if (has_finding(outcome, "stack.server-died") || has_finding(outcome, "stack.launch-failed")) return;
  Error error = server.death();
  error.what = "the launched server ended: " + error.what;
  Finding finding = end_finding(EndCause::kServerDied, error);
  if (outcome.state == TrialState::kFailed) {
    outcome.findings.push_back(std::move(finding));
  } else {
    fail_outcome(std::move(finding), outcome);
  }
}

void note_stop(const LaunchedServerStop& stop, const std::string& target, TrialOutcome& outcome) {
  if (!stop.was_killed) return;
  outcome.findings.push_back(make_finding(
      Severity::kNote, "stack.killed",
      fmt::format(
          "The launched server of {} did not end within {} of SIGTERM, and was killed with all that it had "
          "started.",
          target, format_duration(stop.took_s)),
      Json::object().set("stop_timeout_s", stop.took_s)));
}

}  // namespace

Result<Launch> launch_server(ExamContext& context, const TargetSpec& spec, const std::string& api_key) {
  Launch launch;
  const bool is_ours = context.server != nullptr && context.server->target() == spec.name;
  if (is_ours && !context.server->poll_end()) return launch;
  if (is_ours) {
    Error error = context.server->death();
    error.what = "the launched server had ended since the trial before, and was started again: " + error.what;
    launch.finding = end_finding(EndCause::kServerDied, error);
    launch.finding->severity = Severity::kDoubtful;
  }
  launch.is_new = true;
  context.server.reset();
  context.progress.update(0, "launching " + spec.name);
  context.server = std::make_unique<LaunchedServer>(options_of(context, spec, api_key), context.clock);
  RETURN_IF_ERROR(context.server->start());
  return launch;
}

std::vector<Record> cold_start_records(const LaunchedServer& server, const TargetInfo& info) {
  std::vector<Record> records;
  const auto add = [&](const char* metric, Nanos until, const char* method) {
    Record record;
    record.metric = metric;
    record.unit = "s";
    record.value = seconds(until - server.started_at());
    record.n = 1;
    record.method = method;
    records.push_back(std::move(record));
  };
  add("cold_start_s", server.ready_at(),
      "arrival of the first answer that says ready − start of the server's process, CLOCK_MONOTONIC; asked every 20 ms");
  if (info.first_token_at > server.ready_at())
    add("cold_start_first_token_s", info.first_token_at,
        "arrival of the first token of a request for two − start of the server's process, CLOCK_MONOTONIC; the list of models "
        "was asked for in between");
  return records;
}

void settle_server(ExamContext& context, bool is_last_of_target, TrialOutcome& outcome) {
  if (context.server == nullptr) return;
  LaunchedServer& server = *context.server;
  const bool has_ended = server.ready_at() == Nanos() || server.poll_end().has_value();
  if (has_ended && server.ready_at() != Nanos()) {
    note_death(server, outcome);
  } else if (!has_ended && is_last_of_target) {
    note_stop(server.stop(), server.target(), outcome);
  }
  if (std::string text = server.take_output(); !text.empty())
    outcome.artifacts.push_back(
        {.name = "server.output", .media_type = "text/plain", .content = std::move(text)});
  if (has_ended || is_last_of_target) context.server.reset();
}

}  // namespace assay
