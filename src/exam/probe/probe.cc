// The exam "probe": one trial a device, which says what it is and that its backend opens.
#include <fmt/format.h>

#include "exam/findings.h"
#include "exam/kit/kit_trial.h"
#include "exam/rows.h"

namespace assay {
namespace {

std::vector<Trial> plan_probe(const Scenario& /*scenario*/, const TargetSpec& target,
                              const Json& /*device*/) {
  if (const auto trial = plan_kit_trial("probe", target)) return {*trial};
  if (!target.is_on_device()) return {};
  Trial trial;
  trial.exam = "probe";
  trial.target = target.name;
  trial.name = fmt::format("probe {}", target.name);
  trial.parameters = Json::object().set("device", target.device);
  return {trial};
}

Subject device_subject(const Json& host, const Json& device) {
  Subject subject;
  subject.name = device["name"].as_string();
  subject.kind = "device";
  subject.details = Json::object();
  for (const auto& [name, value] : device.members()) {
    if (name != "name") subject.details.set(name, value);
  }
  if (device["type"].as_string() != "cpu") return subject;
  const Json& cpu = host["cpu"];
  for (const char* name : {"model", "cores", "threads", "numa_nodes"}) subject.details.set(name, cpu[name]);
  std::vector<std::string> isa;
  for (const Json& flag : cpu["isa"].items()) isa.push_back(flag.as_string());
  subject.details.set("isa", join(isa, ", "));
  return subject;
}

Record record_of(const char* metric, int64_t value, const char* unit, const char* method,
                 const std::string& device) {
  Record record;
  record.metric = metric;
  record.value = static_cast<double>(value);
  record.unit = unit;
  record.method = method;
  record.conditions = Json::object().set("device", device);
  record.source = "assay";
  return record;
}

TrialOutcome failed(std::string text) {
  TrialOutcome outcome;
  fail_outcome(make_finding(Severity::kBlocker, "probe.no-devices", std::move(text)), outcome);
  return outcome;
}

Result<TrialOutcome> run_probe_trial(ExamContext& context, const Trial& trial, const TargetSpec& target) {
  if (target.kind == TargetKind::kKit) return run_kit_trial(context, trial, target);
  const Nanos begin = context.clock.now();
  const std::string& wanted = trial.parameters["device"].as_string();
  context.progress.update(0, "looking for " + wanted);
  const Json host = probe_engine({.worker = context.worker}, context.clock, context.interrupted);
  std::vector<std::string> names;
  for (const Json& device : host["devices"].items()) {
    names.push_back(device["name"].as_string());
    if (names.back() != wanted) continue;
    TrialOutcome outcome;
    outcome.subject = device_subject(host, device);
    if (device["memory_bytes"].as_integer() > 0) {
      outcome.records.push_back(record_of("device_memory_bytes", device["memory_bytes"].as_integer(), "bytes",
                                          "as the ggml backend reports it", wanted));
    }
    if (device["type"].as_string() == "cpu" && host["cpu"]["cores"].as_integer() > 0) {
      outcome.records.push_back(record_of("cpu_cores", host["cpu"]["cores"].as_integer(), "",
                                          "physical cores that this process may use, by hwloc", wanted));
    }
    outcome.duration_s = seconds(context.clock.now() - begin);
    return outcome;
  }
  const std::string& error = host["devices_error"].as_string();
  return failed(error.empty() ? fmt::format("There is no ggml device '{}'. There are: {}.", printable(wanted),
                                            join(names, ", "))
                              : fmt::format("The ggml devices could not be listed: {}", error));
}

}  // namespace

Exam probe_exam() {
  return {
      .name = "probe",
      .title = "What is in this machine",
      .question = 1,
      .description =
          "Finds the device among those that the engine's backends bring, and records what it says of itself: "
          "name, kind, backend and memory, and for the CPU its cores and instruction sets.",
      .details =
          "One trial for each device, and one for each target with a kit of assay's own: torch-probe, which tells what PyTorch is there, and "
          "whether it computes rightly in each type. `assay probe` shows the same without a dossier.",
      .example = "assay run --only probe",
      .plan = plan_probe,
      .run = run_probe_trial,
  };
}

}  // namespace assay
