// Trials of kits; see kit_trial.h. What becomes of what a kit does stands in docs/formats/kit.md.
#include "exam/kit/kit_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "exam/findings.h"
#include "exam/kit/kit_records.h"
#include "exam/record_lines.h"
#include "exam/roofline/bounds.h"
#include "exam/roofline/claims.h"

namespace assay {
namespace {

constexpr size_t kMaxFindings = 1000;

// What people read: the name of one of assay's own, or that of the file.
std::string shown(const std::string& kit) {
  return find_kit(kit) != nullptr ? kit : file_name(kit);
}

Finding kit_end_finding(const KitEnd& end, const std::string& kit) {
  const char* code = end.cause == EndCause::kHung   ? "kit.hung"
                     : end.cause == EndCause::kDied ? "kit.died"
                                                    : "kit.nonsense";
  Finding finding = end_finding(end.cause, end.error, Json::object().set("kit", kit));
  finding.code = code;
  finding.text = fmt::format("{}: {}", kit, finding.text);
  return finding;
}

// One run of a kit, from its lines to an outcome.
class KitTrial {
 public:
  KitTrial(ExamContext& context, const Trial& trial, const TargetSpec& target)
      : context_(context), trial_(trial), target_(target), kit_(shown(trial.parameters["kit"].as_string())) {
    voice_.exam = trial.exam;
  }

  Result<TrialOutcome> run() {
    const Result<KitCommand> command = kit_command(context_, trial_, target_);
    if (!command) return fail_outcome(failed_exam_finding(command.error()), outcome_), std::move(outcome_);
    context_.progress.update(0, "starting " + kit_);
    const KitLimits limits{.time = nanos_from_seconds(target_.kit.time_limit_s),
                           .silence = nanos_from_seconds(target_.kit.silence_limit_s),
                           .lines = {}};
    const KitEnd end = run_kit(
        *command, limits, context_.clock, [&](const KitLine& line) { return take(line); },
        context_.interrupted);
    if (end.cause == EndCause::kInterrupted) return std::unexpected(end.error);
    if (end.cause == EndCause::kNotStarted)
      return fail_outcome(failed_exam_finding(end.error), outcome_), std::move(outcome_);
    settle(end);
    RETURN_IF_ERROR(add_claims());
    return std::move(outcome_);
  }

 private:
  Result<void> take(const KitLine& line) {
    switch (line.kind) {
      case KitLineKind::kHello:
        voice_.name = line.json["name"].as_string();
        voice_.version = printable(line.json["version"].as_string(), 60);
        return {};
      case KitLineKind::kDevice:
        device_ = line.json;
        voice_.library = printable(line.json["library"].as_string(), 120);
        return {};
      case KitLineKind::kRecord:
        return take_record(line.json);
      case KitLineKind::kFinding:
        return take_finding(line.json);
      case KitLineKind::kProgress:
        context_.progress.update(std::clamp(line.json["fraction"].as_number(), 0.0, 1.0),
                                 printable(line.json["status"].as_string(), 100));
        return {};
      case KitLineKind::kAbsent:
      case KitLineKind::kDone:
        return {};
    }
    std::unreachable();
  }

  Result<void> take_record(const Json& line) {
    ASSIGN_OR_RETURN(Record record, read_kit_record(line, voice_));
    record.source += fmt::format(" through assay, trial {}: {}", trial_.id, trial_.name);
    if (is_wide(record)) {
      record.validity = Validity::kDoubtful;
      ++wide_;
    }
    const std::vector<double> samples = finite_samples(line);
    counts_.push_back(static_cast<int64_t>(samples.size()));
    values_.insert(values_.end(), samples.begin(), samples.end());
    outcome_.records.push_back(std::move(record));
    return {};
  }

  Result<void> take_finding(const Json& line) {
    if (outcome_.findings.size() >= kMaxFindings) return fail("there are too many findings");
    ASSIGN_OR_RETURN(Finding finding, read_kit_finding(line, voice_));
    outcome_.findings.push_back(std::move(finding));
    return {};
  }

  void note(Severity severity, const char* code, std::string text, Json evidence = Json::object()) {
    outcome_.findings.push_back(make_finding(severity, code, std::move(text), std::move(evidence)));
  }

  void settle(const KitEnd& end) {
    const std::string wanted = target_.device == "*" ? "" : target_.device;
    outcome_.subject = kit_subject(device_, voice_, wanted, target_.name);
    mark_best(outcome_.records);
    if (!values_.empty()) {
      Sample sample{.name = "repetitions", .columns = {}};
      sample.columns.add("count", std::move(counts_));
      sample.columns.add("value", std::move(values_));
      outcome_.samples.push_back(std::move(sample));
    }
    note_remarks(end.remarks);
    note_remains(end.remains);
    if (wide_ > 0)
      outcome_.findings.push_back(noisy_finding(wide_, static_cast<int64_t>(outcome_.records.size())));
    for (const auto& [name, text] :
         {std::pair{"kit.stderr", &end.diagnostics}, {"kit.stdout", &end.other_output}}) {
      if (!text->empty())
        outcome_.artifacts.push_back(
            {.name = name, .media_type = "text/plain", .content = valid_utf8(*text)});
    }
    if (!end.done()) return fail_outcome(kit_end_finding(end, kit_), outcome_);
    if (end.is_absent) return skip(end.absent_reason);
    if (outcome_.records.empty() && trial_.exam == "roofline")
      note(Severity::kDoubtful, "kit.nothing-measured",
           fmt::format("{} ended well and measured nothing.", kit_));
  }

  // Where no engine reaches a device, nobody but the kit says which chip it is.
  Result<void> add_claims() {
    if (trial_.exam != "roofline" || outcome_.records.empty()) return {};
    const Json told = Json::object()
                          .set("description", printable(device_["name"].as_string(), 100))
                          .set("memory_bytes", device_["details"]["memory_bytes"].as_number());
    return add_claims_once(context_.dossier, trial_, outcome_.subject->name, told, outcome_);
  }

  void skip(const std::string& reason) {
    outcome_.state = TrialState::kSkipped;
    outcome_.end_text = reason.empty() ? "there is nothing to be measured here" : reason;
    const bool is_own = find_kit(kit_) != nullptr;
    note(
        Severity::kNote, "kit.absent",
        fmt::format(
            "{} has nothing to measure here: {}. Of the device this says nothing.{}", kit_, outcome_.end_text,
            is_own ? " The target's `python` names the Python in which the vendor's framework is." : ""));
  }

  void note_remarks(const KitRemarks& remarks) {
    if (remarks.refused_records > 0)
      note(Severity::kDoubtful, "kit.record-refused",
           fmt::format("{} sent {} that had to be refused, the first because {}.", kit_,
                       counted(remarks.refused_records, "record"), remarks.refused_record),
           Json::object().set("refused", remarks.refused_records));
    if (remarks.refused_lines > 0)
      note(Severity::kDoubtful, "kit.line-refused",
           fmt::format("{} sent {} that the protocol does not allow, the first because {}.", kit_,
                       counted(remarks.refused_lines, "line"), remarks.refused_line),
           Json::object().set("refused", remarks.refused_lines));
    if (remarks.other_lines > 0)
      note(Severity::kNote, "kit.other-output",
           fmt::format("Something in {} printed {} on stdout beside its evidence, the first: {}", kit_,
                       counted(remarks.other_lines, "line"), remarks.other_line));
  }

  void note_remains(const TreeRemains& remains) {
    if (remains.left_behind == 0) return;
    const std::string escaped =
        remains.escaped == 0 ? "" : fmt::format(", {} of them outside its process group", remains.escaped);
    note(remains.escaped > 0 ? Severity::kDoubtful : Severity::kNote, "kit.left-behind",
         fmt::format("{} ended and left {} running{}: killed.", kit_,
                     counted(remains.left_behind, "process", "processes"), escaped),
         Json::object().set("left_behind", remains.left_behind).set("escaped", remains.escaped));
  }

  ExamContext& context_;
  const Trial& trial_;
  const TargetSpec& target_;
  const std::string kit_;
  KitVoice voice_;
  Json device_;
  TrialOutcome outcome_;
  std::vector<int64_t> counts_;
  std::vector<double> values_;
  int64_t wide_ = 0;
};

}  // namespace

std::optional<Trial> plan_kit_trial(const char* exam, const TargetSpec& target) {
  if (target.kind != TargetKind::kKit) return std::nullopt;
  const std::string_view wanted = exam;
  std::string kit = target.kit.kit;
  const KitRow* row = find_kit(kit);
  if (row == nullptr && wanted != "roofline") return std::nullopt;
  if (row != nullptr && row->exam != wanted) {
    if (wanted != "probe") return std::nullopt;
    kit = "torch-probe";
  }
  Trial trial;
  trial.exam = exam;
  trial.target = target.name;
  trial.name = shown(kit) == target.name ? fmt::format("{} by {}", exam, shown(kit))
                                         : fmt::format("{} by {} on {}", exam, shown(kit), target.name);
  trial.parameters = Json::object().set("part", "kit").set("kit", kit);
  if (target.device != "*") trial.parameters.set("device", target.device);
  if (!target.kit.python.empty()) trial.parameters.set("python", target.kit.python);
  return trial;
}

Result<TrialOutcome> run_kit_trial(ExamContext& context, const Trial& trial, const TargetSpec& target) {
  return KitTrial(context, trial, target).run();
}

}  // namespace assay
