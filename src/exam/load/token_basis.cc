// What token counts rest on; see token_basis.h.
#include "exam/load/token_basis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "exam/findings.h"

namespace assay {
namespace {

// Mean output over mean asked; below it lengths are the model's.
constexpr double kLeastShareOfAsked = 0.95;

bool sets_any(const TrafficClass& each, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names,
                             [&](const char* name) { return each.request.parameters.find(name) != nullptr; });
}

// The answers of one class that ended well.
struct ClassOutput {
  int64_t answers = 0, told = 0;  // told: by usage
  int64_t asked_of = 0;           // answers whose length the scenario sets
  double asked = 0, made = 0;     // tokens of those

  double share() const { return asked > 0 ? made / asked : 1; }
  bool is_short() const { return share() < kLeastShareOfAsked; }
};

class BasisNotes {
 public:
  BasisNotes(const TokenBasis& basis, TrialOutcome& outcome)
      : basis_(basis), outcome_(outcome), outputs_(basis.classes.size()) {}

  void tell() {
    for (const RequestRow& row : basis_.rows) add(row);
    finding_ = make_finding(Severity::kNote, kTokenBasis, "");
    prompts();
    outputs();
    lengths();
    finding_.text = join(parts_, "; ") + ".";
    finding_.text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(finding_.text[0])));
    outcome_.findings.push_back(std::move(finding_));
  }

 private:
  void add(const RequestRow& row) {
    const TrafficClass& each = basis_.classes[row.class_index];
    if (!ended_well(row) || !row_of(each.request.kind_or(RequestKind::kChat)).streams) return;
    ClassOutput& output = outputs_[row.class_index];
    ++output.answers;
    output.told += row.is_output_told ? 1 : 0;
    // Unless the class sets the limit by itself, or asks for several answers at once.
    if (row.asked_tokens == 0 ||
        sets_any(each, {"max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"}))
      return;
    ++output.asked_of;
    output.asked += row.asked_tokens;
    output.made += row.output_tokens;
  }

  void say(std::string words) { parts_.push_back(std::move(words)); }

  std::string named(const std::vector<std::string>& classes) const {
    return classes.size() == basis_.classes.size() ? "" : " of " + join(classes, ", ");
  }

  void prompts() {
    const std::string& by = basis_.conditions["prompts_cut_by"].as_string();
    if (by.empty()) {
      say(fmt::format(
          "prompts were cut at {} bytes a token (--tokenizer cuts them by the model's own tokens)",
          kBytesPerToken));
      return;
    }
    const PromptErrors& errors = basis_.check.prompts;
    if (errors.prompts == 0) return say("prompts were cut by " + by);
    const double mean = static_cast<double>(errors.sum) / static_cast<double>(errors.prompts);
    say(errors.exact == errors.prompts
            ? fmt::format("prompts were cut by {} (all {} that were counted have the tokens asked for)", by,
                          errors.prompts)
            : fmt::format(
                  "prompts were cut by {} ({} of {} that were counted have the tokens asked for, the others are "
                  "up to {} off, {:+.2f} in the mean)",
                  by, errors.exact, errors.prompts, errors.largest, mean));
    finding_.evidence.set("prompts_counted", errors.prompts)
        .set("prompts_exact", errors.exact)
        .set("prompt_excess_tokens_sum", errors.sum)
        .set("prompt_excess_tokens_largest", errors.largest);
  }

  // Who counted them, by class.
  void outputs() {
    std::vector<std::string> told, agreeing, doubtful;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const ClassOutput& output = outputs_[i];
      const std::string& name = basis_.classes[i].name;
      if (output.answers == 0) continue;
      const bool agrees =
          std::ranges::find(basis_.check.agreeing_classes, name) != basis_.check.agreeing_classes.end();
      (output.told == output.answers ? told : agrees ? agreeing : doubtful).push_back(name);
      if (output.told < output.answers)
        finding_.evidence.set("answers_without_usage_" + name, output.answers - output.told);
    }
    if (!told.empty()) say(fmt::format("output tokens{} were counted by the server's usage", named(told)));
    if (!agreeing.empty())
      say(fmt::format("output tokens{} are chunks, for want of usage, and the tokenizer counts as many",
                      named(agreeing)));
    if (doubtful.empty()) return;
    // What is in doubt comes first.
    parts_.insert(
        parts_.begin(),
        fmt::format(
            "the server sends no usage, so that output tokens{} are chunks, each of which may hold several: "
            "TPOT and output tokens/s are in doubt{}",
            named(doubtful), basis_.check.is_counted ? "" : " (--tokenizer counts the texts of a sample)"));
    finding_.severity = Severity::kDoubtful;
    doubtful.emplace_back("all");
    doubt_tokens({.classes = std::move(doubtful), .prompt_classes = {}}, basis_.classes, outcome_.records);
  }

  // Whether answers are as long as the scenario says.
  void lengths() {
    std::vector<std::string> shorter;
    bool has_output = false, sets_eos = false, is_any_free = false;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const ClassOutput& output = outputs_[i];
      const TrafficClass& each = basis_.classes[i];
      if (output.answers == 0) continue;
      has_output = true;
      (sets_any(each, {"ignore_eos"}) ? sets_eos : is_any_free) = true;
      if (!output.is_short()) continue;
      const auto mean = [&](double sum) { return format_number(sum / static_cast<double>(output.asked_of)); };
      shorter.push_back(fmt::format("{} of {}{}", mean(output.made), mean(output.asked),
                                    basis_.classes.size() > 1 ? " (" + each.name + ")" : ""));
      finding_.evidence.set("output_share_of_asked_" + each.name, output.share());
    }
    if (!has_output) return;
    const bool is_accepted = basis_.conditions["ignore_eos"].as_bool();
    finding_.evidence.set("ignore_eos", is_accepted);
    if (is_any_free)
      say(fmt::format("{}{}", is_accepted ? "ignore_eos was not refused" : "the server refuses ignore_eos",
                      sets_eos ? ", some classes set it themselves" : ""));
    if (!is_any_free) say("the classes set ignore_eos themselves");
    if (!shorter.empty())
      say(fmt::format(
          "answers had {} output tokens asked for in the mean: their lengths are the model's, not the scenario's",
          join(shorter, ", ")));
  }

  const TokenBasis& basis_;
  TrialOutcome& outcome_;
  std::vector<ClassOutput> outputs_;
  Finding finding_;
  std::vector<std::string> parts_;
};

}  // namespace

void add_token_basis(const TokenBasis& basis, TrialOutcome& outcome) {
  if (basis.conditions["usage_from_server"].is_bool()) BasisNotes(basis, outcome).tell();
}

TokenCheck token_check_of(const std::vector<Finding>& findings) {
  TokenCheck check;
  for (const Finding& finding : findings) {
    const Json& evidence = finding.evidence;
    if (finding.code == kTokenBasis) {
      check.prompts = {.prompts = evidence["prompts_counted"].as_integer(),
                       .exact = evidence["prompts_exact"].as_integer(),
                       .sum = evidence["prompt_excess_tokens_sum"].as_integer(),
                       .largest = evidence["prompt_excess_tokens_largest"].as_integer()};
    } else if (finding.code == "load.tokens") {
      check.is_counted = evidence.find("answers") != nullptr;
      for (const Json& name : evidence["agreeing_classes"].items())
        check.agreeing_classes.push_back(name.as_string());
    }
  }
  return check;
}

}  // namespace assay
