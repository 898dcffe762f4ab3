// Model: the first screen and the look-ups; waterfall, roofline and serving have a file each. See model.h.
#include "report/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "os/os.h"
#include "report/values.h"

namespace assay {
namespace {

template <class T>
const T* find_by_id(const std::vector<T>& rows, int64_t id) {
  const auto found =
      std::lower_bound(rows.begin(), rows.end(), id, [](const T& row, int64_t x) { return row.id < x; });
  return found != rows.end() && found->id == id ? &*found : nullptr;
}

std::string title_of(const Model& model) {
  std::vector<std::string> names;
  for (const Subject* subject : model.subjects) names.push_back(subject->name);
  if (names.empty()) return model.content->run.scenario_name;
  constexpr size_t kShown = 4;
  const size_t hidden = names.size() > kShown ? names.size() - kShown : 0;
  names.resize(names.size() - hidden);
  return join(names, ", ") + (hidden > 0 ? fmt::format(" and {} more", hidden) : "");
}

// What --out takes to go on with the run: a dossier by another name is a copy, which is not gone on with.
std::string folder_of(const DossierContent& content) {
  return file_name(content.path) == "dossier.assay" ? parent_directory(content.path) : std::string("DIR");
}

AnswerRow answer_row(const Model& model, const Question& question) {
  AnswerRow row{.question = question.number, .text = question.text};
  for (const Verdict& verdict : model.content->verdicts) {
    if (verdict.question != question.number || verdict.requirement_id != 0) continue;
    row.answer = verdict.answer;
    row.reason = verdict.reason;
    row.exam = verdict.exam;
    row.command = verdict.command;
    row.record_ids = verdict.record_ids;
  }
  const std::string_view exam = question.exam;
  // Who gave a reason and no command knows that another run of the same would not tell either.
  if (row.answer == Answer::kNotExamined && row.command.empty() && row.reason.empty() && !exam.empty()) {
    row.command = model.content->run.finished_at.empty()
                      ? fmt::format("assay run --resume --out {}", folder_of(*model.content))
                      : fmt::format("assay run --only {}", exam);
  }
  if (row.reason.empty() && row.answer == Answer::kNotExamined && row.command.empty()) {
    row.reason = "no exam in this version";
  }
  return row;
}

// The largest valid-or-not value of a metric: the instrument is judged by its worst moment.
const Record* worst(const DossierContent& content, std::string_view metric) {
  const Record* found = nullptr;
  for (const Record& record : content.records) {
    if (record.metric != metric || !record.value) continue;
    if (found == nullptr || *record.value > *found->value) found = &record;
  }
  return found;
}

Instrument make_instrument(const Model& model) {
  Instrument instrument;
  std::vector<std::string> parts;
  const auto add = [&](std::string_view metric, std::string_view before, std::string_view after) {
    if (const Record* record = worst(*model.content, metric)) {
      const DisplayUnit unit = display_unit(record->metric, record->unit);
      parts.push_back(fmt::format("{}{}{}", before, amount(*record->value * unit.factor, unit.text), after));
      instrument.record_ids.push_back(record->id);
    }
  };
  // The highest percentile that there were samples for.
  for (const auto& [metric, words] : {std::pair{"dispatch_lag_ms_p99_9", "dispatch lag p99.9 "},
                                      {"dispatch_lag_ms_p99", "dispatch lag p99 "},
                                      {"dispatch_lag_ms_p50", "dispatch lag p50 "}}) {
    if (worst(*model.content, metric) == nullptr) continue;
    add(metric, words, "");
    break;
  }
  add("receive_lag_ms_p99", "receive lag p99 ", "");
  add("coalesced_share", "", " coalesced");
  if (worst(*model.content, "round_trip_ms_p50") != nullptr) {
    add("round_trip_ms_p50", "network round trip p50 ", "");
  } else if (const Record* largest = worst(*model.content, "round_trip_ms_max")) {
    // Of fewer connections than a median takes.
    add("round_trip_ms_max", "network round trip at most ",
        fmt::format(" ({})", counted(largest->n, "connection")));
  }
  add("client_cpu_utilisation", "client ", " busy");
  int64_t loads = 0, voids = 0;
  for (const Trial& trial : model.content->trials) {
    if (trial.exam != "load" || trial.state != TrialState::kDone) continue;
    ++loads;
    voids += std::ranges::any_of(model.content->records, [&](const Record& record) {
      return record.trial_id == trial.id && record.validity == Validity::kVoid;
    });
  }
  if (loads > 0) parts.push_back(fmt::format("{} of {} load trials void", voids, loads));
  std::string doubts = model.doubts == 0   ? "no finding doubts a number"
                       : model.doubts == 1 ? "1 finding doubts a number"
                                           : counted(model.doubts, "finding") + " doubt a number";
  if (model.blockers > 0) doubts += " · " + counted(model.blockers, "blocker");
  instrument.check = instrument_check(*model.content);
  instrument.sentence =
      fmt::format("Instrument: {} · {}{}{}", parts.empty() ? "nothing timed" : join(parts, ", "), doubts,
                  instrument.check.applies ? " · " : "", instrument.check.phrase);
  return instrument;
}

}  // namespace

const Record* MetricMap::find(std::string_view metric) const {
  const auto found = records.find(metric);
  return found == records.end() ? nullptr : found->second;
}

int Model::colour_of(const Subject* subject) const {
  const auto found = std::find(subjects.begin(), subjects.end(), subject);
  return found == subjects.end() ? 0 : static_cast<int>(found - subjects.begin());
}

const Subject* Model::subject(int64_t id) const {
  return find_by_id(content->subjects, id);
}
const Trial* Model::trial(int64_t id) const {
  return find_by_id(content->trials, id);
}
const Record* Model::record(int64_t id) const {
  return find_by_id(content->records, id);
}
const Requirement* Model::requirement(int64_t id) const {
  return find_by_id(content->requirements, id);
}

const Finding* Model::doubt_about(const Record& record) const {
  if (record.validity != Validity::kDoubtful && record.validity != Validity::kVoid) return nullptr;
  const Finding* first = nullptr;
  for (const Finding* finding : findings) {
    const bool is_same = record.trial_id != 0 ? finding->trial_id == record.trial_id
                                              : finding->subject_id == record.subject_id;
    if (!is_same || finding->severity == Severity::kNote) continue;
    // Of several doubts about a trial one has made it void.
    if (record.validity == Validity::kVoid && finding->evidence[kVoidsTrial].as_bool()) return finding;
    if (first == nullptr) first = finding;
  }
  return first;
}

std::string target_label(const Model& model, const Subject& subject, const std::string& target) {
  const bool has_others =
      std::any_of(model.content->trials.begin(), model.content->trials.end(), [&](const Trial& trial) {
        const bool is_of_target = trial.exam == "load" || trial.exam == "roofline";
        return is_of_target && trial.subject_id == subject.id && trial.target != target;
      });
  return has_others ? fmt::format("{} ({})", subject.name, target) : subject.name;
}

std::vector<const Verdict*> Model::requirement_verdicts(int question) const {
  std::vector<const Verdict*> found;
  for (const Verdict& verdict : content->verdicts) {
    if (verdict.question == question && verdict.requirement_id != 0) found.push_back(&verdict);
  }
  return found;
}

Result<Model> make_model(const DossierContent& content, const SampleReader& read_samples) {
  Model model;
  model.content = &content;
  for (const Subject& subject : content.subjects) {
    if (subject.kind != "host") model.subjects.push_back(&subject);
  }
  model.title = title_of(model);
  for (const Finding& finding : content.findings) {
    model.findings.push_back(&finding);
    const bool is_blocker = finding.severity == Severity::kBlocker;
    model.blockers += is_blocker;
    model.doubts += !is_blocker && finding.severity != Severity::kNote;
  }
  std::stable_sort(model.findings.begin(), model.findings.end(),
                   [](const Finding* a, const Finding* b) { return a->severity > b->severity; });
  for (const Question& question : questions()) model.answers.push_back(answer_row(model, question));
  model.instrument = make_instrument(model);
  model.rooflines = make_rooflines(model);
  model.devices = make_device_results(model);
  ASSIGN_OR_RETURN(model.servings, make_servings(model, read_samples));
  model.waterfalls = make_waterfalls(model);
  return model;
}

}  // namespace assay
