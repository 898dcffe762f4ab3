// Makes the findings that exams share; see findings.h.
#include "exam/findings.h"

#include <algorithm>
#include <utility>

namespace assay {
namespace {

constexpr std::pair<EndCause, const char*> kCodes[] = {
    {EndCause::kNone, "load.target-lost"},
    {EndCause::kNotStarted, "engine.worker-not-started"},
    {EndCause::kRefused, "engine.refused"},
    {EndCause::kDied, "engine.worker-died"},
    {EndCause::kHung, "engine.worker-hung"},
    {EndCause::kMemory, "engine.worker-memory"},
    {EndCause::kNonsense, "engine.worker-nonsense"},
    {EndCause::kInterrupted, "exam.interrupted"},
    {EndCause::kLost, "load.target-lost"},
    {EndCause::kServerDied, "stack.server-died"},
    {EndCause::kNotReached, kNotReached},
};

// An error as one line of text.
std::string sentence(const Error& error) {
  std::string text = error.where.empty() ? error.what : error.where + ": " + error.what;
  text = sentences(text, error.remedy);
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Finding make_finding(Severity severity, std::string code, std::string text, Json evidence) {
  Finding finding;
  finding.severity = severity;
  finding.code = std::move(code);
  finding.text = std::move(text);
  finding.evidence = std::move(evidence);
  return finding;
}

void fail_outcome(Finding finding, TrialOutcome& outcome) {
  outcome.state = TrialState::kFailed;
  outcome.end_text = finding.text;
  outcome.findings.push_back(std::move(finding));
}

Finding failed_exam_finding(const Error& error) {
  return make_finding(Severity::kDoubtful, kExamFailed, sentence(error));
}

Finding failed_launch_finding(const Error& error) {
  return make_finding(Severity::kBlocker, "stack.launch-failed", sentence(error));
}

Finding end_finding(EndCause cause, const Error& error, Json evidence) {
  const auto row = std::ranges::find(kCodes, cause, &std::pair<EndCause, const char*>::first);
  CHECK(row != std::end(kCodes));
  return make_finding(Severity::kBlocker, row->second, sentence(error), std::move(evidence));
}

Finding lost_target_finding(const Error& error, const TargetEnd& end) {
  Json evidence = Json::object();
  if (!end.words.empty()) evidence.set("end", end.words);
  if (end.peak_memory_bytes > 0) evidence.set("peak_memory_bytes", end.peak_memory_bytes);
  return end_finding(end.cause, error, std::move(evidence));
}

}  // namespace assay
