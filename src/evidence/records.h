// The words of evidence: what a dossier is made of. Plain data, one struct a table; docs/formats/dossier.md
// is the contract.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "evidence/columns.h"

namespace assay {

enum class EvidenceClass { kClaimed, kReported, kMeasured, kSimulated, kDerived };
// kInsufficient: there is no value, since the samples cannot support one. kVoid: measured, but not to be
// used.
enum class Validity { kValid, kDoubtful, kVoid, kInsufficient };
// kNote informs; kDoubtful weakens a number; kImpossible rests on arithmetic, physics or a limit of grade A
// or B; kBlocker stops the subject from being used at all.
enum class Severity { kNote, kDoubtful, kImpossible, kBlocker };
enum class TrialState { kPlanned, kRunning, kDone, kFailed, kSkipped };
enum class Answer { kYes, kNo, kNotExamined };

std::string_view name_of(EvidenceClass);
std::string_view name_of(Validity);
std::string_view name_of(Severity);
std::string_view name_of(TrialState);
std::string_view name_of(Answer);
std::optional<EvidenceClass> evidence_class_named(std::string_view);
std::optional<Validity> validity_named(std::string_view);
std::optional<Severity> severity_named(std::string_view);
std::optional<TrialState> trial_state_named(std::string_view);
std::optional<Answer> answer_named(std::string_view);

// One evaluation. Times are wall-clock labels (UTC, ISO 8601).
struct RunInfo {
  std::string id;  // 32 hex digits, drawn at creation
  std::string assay_version;
  std::string created_at;
  std::string finished_at;  // empty while the run is under way or was interrupted
  std::string scenario_name;
  std::string scenario_path;  // "built-in" or the user's path
  std::string scenario_text;  // the TOML, whole
  uint64_t seed = 0;
  Json plan;  // what the command line changed about the scenario: what --resume goes on with
  Json host;  // what the probe saw of this host, once it has
};

// What is judged: a device in this host, an endpoint, the host itself, a fake.
struct Subject {
  int64_t id = 0;
  std::string name;  // unique in a dossier: "CPU", "Vulkan0", "vLLM at 127.0.0.1:8000"
  std::string kind;  // "host", "device", "endpoint", "fake"
  Json details;      // whatever describes it; flat members print in the report
};

// One execution of an exam on a target with fixed parameters: the unit of resume.
struct Trial {
  int64_t id = 0;          // 1 + its place in the plan
  std::string exam;        // "roofline"
  std::string target;      // the name of the target in the scenario
  int64_t subject_id = 0;  // 0 until a subject is known
  std::string name;        // "load mix on CPU": what people read
  Json parameters;
  TrialState state = TrialState::kPlanned;
  std::string started_at;
  double duration_s = 0;
  std::string end_text;  // why it failed or was skipped
};

// One number with everything that says what it is worth.
struct Record {
  int64_t id = 0;
  int64_t trial_id = 0;  // 0: not from a trial (derived over several)
  int64_t subject_id = 0;
  EvidenceClass evidence_class = EvidenceClass::kMeasured;
  std::string
      metric;  // a name of the metric table, with a statistic where it is a distribution: "ttft_ms_p90"
  std::optional<double> value;  // nothing: unknown, insufficient samples, or infinite
  std::string unit;
  std::optional<double> ci_low, ci_high;
  double confidence = 0;  // of the interval, for example 0.95; 0 without an interval
  int64_t n = 0;          // samples behind the value; 0: not a statistic
  std::string method;     // how it was obtained, the formula for derived ones
  Json conditions;        // flat object: {"traffic_class": "chat", "phase": "mix", "dtype": "f16", …}
  Validity validity = Validity::kValid;
  std::string source;  // where it came from: "assay 0.1.0, trial 7", "datasheet …", a file and line
};

// Conditions, true where the value, or an end of its interval, is infinite: neither SQL nor JSON has a number
// for that, and the member is nothing.
inline constexpr const char* kInfinite = "infinite";
inline constexpr const char* kLowInfinite = "low_infinite";
inline constexpr const char* kHighInfinite = "high_infinite";
// The members with those conditions seen to.
std::optional<double> value_of(const Record& record);
std::optional<double> low_of(const Record& record);
std::optional<double> high_of(const Record& record);

// Raw data behind records of one trial.
struct Sample {
  int64_t id = 0;
  int64_t trial_id = 0;
  std::string name;  // "requests", "chunks"
  Columns columns;
};

struct Finding {
  int64_t id = 0;
  int64_t trial_id = 0;  // 0: of the run
  int64_t subject_id = 0;
  Severity severity = Severity::kNote;
  std::string code;  // stable, "load.rate-not-held"
  std::string text;  // one or two sentences for people
  Json evidence;     // the numbers it rests on, flat
};

// A member of a finding's evidence, true where it is the reason why numbers of its trial are void.
inline constexpr const char* kVoidsTrial = "voids_trial";
// Likewise, where less was done than was asked for: the exit code is then not 0.
inline constexpr const char* kFallsShort = "falls_short";
// Code of the finding that a target served less than was asked of it, though time was given.
inline constexpr const char* kRateNotHeld = "load.rate-not-held";

// What the buyer asks for.
struct Requirement {
  int64_t id = 0;
  std::string text;  // as people read it: "goodput of chat ≥ 10 requests/s on CPU"
  std::string metric;
  std::string comparison;  // ">=" or "<="
  double value = 0;
  std::string unit;
  Json scope;          // members that a record's conditions must have; "subject": name
  int question = 2;    // which of the eight it belongs to
  std::string source;  // file:line
};

// The answer to one of the eight questions (requirement_id 0) or to one requirement.
struct Verdict {
  int64_t id = 0;
  int question = 0;  // 1 … 8
  int64_t requirement_id = 0;
  Answer answer = Answer::kNotExamined;
  std::string reason;   // the strongest reason, one line
  std::string exam;     // the exam it rests on
  std::string command;  // what would examine it, if it was not
  std::vector<int64_t> record_ids;
};

struct Artifact {
  int64_t id = 0;
  int64_t trial_id = 0;
  std::string name;  // "worker.stderr"
  std::string media_type;
  std::string content;
};

// What one trial leaves, committed whole or not at all. `subject` is found by name or added; its id goes into
// every record and finding that has none.
struct TrialOutcome {
  TrialState state = TrialState::kDone;
  std::string end_text;
  double duration_s = 0;
  std::optional<Subject> subject;
  std::vector<Record> records;
  std::vector<Sample> samples;
  std::vector<Finding> findings;
  std::vector<Artifact> artifacts;
};

}  // namespace assay
