// Draws the conclusions of a run; see verdicts.h.
#include "exam/verdicts/verdicts.h"

#include "exam/verdicts/rules.h"

namespace assay {
namespace {

using Rule = Verdict (*)(const VerdictView& view, const Question& question);

struct RuleRow {
  int question;
  Rule judge;
};
constexpr RuleRow kRules[] = {
    {1, judge_runs},
    {2, judge_fast_enough},
};

Verdict judge_question(const VerdictView& view, const Question& question) {
  for (const RuleRow& row : kRules) {
    if (row.question == question.number) return row.judge(view, question);
  }
  return view.not_examined(question, "");
}

// A quick look bounds every trial to seconds, and what it cuts off is no fault of the target's. An engine
// that ended by itself is.
void allow_for_quick_look(const VerdictView& view, Verdict& verdict) {
  if (!view.is_quick()) return;
  if (verdict.answer == Answer::kYes) verdict.reason += "; a quick look";
  if (verdict.answer != Answer::kNo || view.has_engine_failure()) return;
  verdict.answer = Answer::kNotExamined;
  verdict.reason = "a quick look does not tell: " + verdict.reason;
  verdict.command = view.command_for(verdict.exam);
}

// Where the buyer says what is needed, that decides; the first question also keeps its own rule, and what the
// others' own rule refutes is told beside what was required.
void hold_against_requirements(std::span<const Verdict> requirements, Verdict& verdict) {
  const Verdict* failed = nullptr;
  const Verdict* unknown = nullptr;
  const Verdict* met = nullptr;
  for (const Verdict& each : requirements) {
    if (each.question != verdict.question) continue;
    const Verdict*& first = each.answer == Answer::kNo ? failed : each.answer == Answer::kYes ? met : unknown;
    if (first == nullptr) first = &each;
  }
  const Verdict* decisive = failed != nullptr ? failed : unknown != nullptr ? unknown : met;
  if (decisive == nullptr || (verdict.question == 1 && decisive->answer == Answer::kYes)) return;
  const int number = verdict.question;
  const std::string aside = verdict.answer == Answer::kNo && decisive->answer == Answer::kYes
                                ? "; beside the requirements: " + verdict.reason
                                : "";
  verdict = *decisive;
  verdict.reason += aside;
  verdict.question = number;
  verdict.requirement_id = 0;
}

}  // namespace

std::vector<Verdict> conclude(const DossierContent& content, const Scenario& scenario) {
  const VerdictView view(content, scenario);
  std::vector<Verdict> verdicts;
  for (const Requirement& requirement : content.requirements) {
    verdicts.push_back(judge_requirement(view, requirement));
    allow_for_quick_look(view, verdicts.back());
  }
  const std::vector<Verdict> requirements = verdicts;
  for (const Question& question : questions()) {
    Verdict verdict = judge_question(view, question);
    allow_for_quick_look(view, verdict);
    hold_against_requirements(requirements, verdict);
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace assay
