// The names that the words of evidence have in a dossier, in JSON and in reports.
#include "evidence/records.h"

#include <cmath>
#include <span>
#include <utility>

namespace assay {
namespace {

template <class E>
using Names = std::span<const std::pair<E, std::string_view>>;

constexpr std::pair<EvidenceClass, std::string_view> kEvidenceClasses[] = {
    {EvidenceClass::kClaimed, "claimed"},
    {EvidenceClass::kReported, "reported"},
    {EvidenceClass::kMeasured, "measured"},
    {EvidenceClass::kSimulated, "simulated"},
    {EvidenceClass::kDerived, "derived"}};
constexpr std::pair<Validity, std::string_view> kValidities[] = {{Validity::kValid, "valid"},
                                                                 {Validity::kDoubtful, "doubtful"},
                                                                 {Validity::kVoid, "void"},
                                                                 {Validity::kInsufficient, "insufficient"}};
constexpr std::pair<Severity, std::string_view> kSeverities[] = {{Severity::kNote, "note"},
                                                                 {Severity::kDoubtful, "doubtful"},
                                                                 {Severity::kImpossible, "impossible"},
                                                                 {Severity::kBlocker, "blocker"}};
constexpr std::pair<TrialState, std::string_view> kTrialStates[] = {{TrialState::kPlanned, "planned"},
                                                                    {TrialState::kRunning, "running"},
                                                                    {TrialState::kDone, "done"},
                                                                    {TrialState::kFailed, "failed"},
                                                                    {TrialState::kSkipped, "skipped"}};
constexpr std::pair<Answer, std::string_view> kAnswers[] = {
    {Answer::kYes, "yes"}, {Answer::kNo, "no"}, {Answer::kNotExamined, "not examined"}};

template <class E>
std::string_view name_in(Names<E> names, E value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  CHECK(!"an enumerator without a name");
  std::unreachable();
}

template <class E>
std::optional<E> value_in(Names<E> names, std::string_view wanted) {
  for (const auto& [known, name] : names) {
    if (name == wanted) return known;
  }
  return std::nullopt;
}

std::optional<double> or_infinity(const std::optional<double>& value, const Json& is_infinite) {
  return !value && is_infinite.as_bool() ? std::optional(HUGE_VAL) : value;
}

}  // namespace

std::optional<double> value_of(const Record& record) {
  return or_infinity(record.value, record.conditions[kInfinite]);
}
std::optional<double> low_of(const Record& record) {
  return or_infinity(record.ci_low, record.conditions[kLowInfinite]);
}
std::optional<double> high_of(const Record& record) {
  return or_infinity(record.ci_high, record.conditions[kHighInfinite]);
}

std::string_view name_of(EvidenceClass value) {
  return name_in<EvidenceClass>(kEvidenceClasses, value);
}
std::string_view name_of(Validity value) {
  return name_in<Validity>(kValidities, value);
}
std::string_view name_of(Severity value) {
  return name_in<Severity>(kSeverities, value);
}
std::string_view name_of(TrialState value) {
  return name_in<TrialState>(kTrialStates, value);
}
std::string_view name_of(Answer value) {
  return name_in<Answer>(kAnswers, value);
}

std::optional<EvidenceClass> evidence_class_named(std::string_view name) {
  return value_in<EvidenceClass>(kEvidenceClasses, name);
}
std::optional<Validity> validity_named(std::string_view name) {
  return value_in<Validity>(kValidities, name);
}
std::optional<Severity> severity_named(std::string_view name) {
  return value_in<Severity>(kSeverities, name);
}
std::optional<TrialState> trial_state_named(std::string_view name) {
  return value_in<TrialState>(kTrialStates, name);
}
std::optional<Answer> answer_named(std::string_view name) {
  return value_in<Answer>(kAnswers, name);
}

}  // namespace assay
