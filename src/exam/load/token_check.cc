// Token counts after a trial; see token_check.h.
#include "exam/load/token_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "exam/findings.h"

namespace assay {
namespace {

constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

// ---- the sample ----

// Texts to be counted in one go, and which answers they are of.
struct CountingJob {
  enum class Part { kContent, kReasoning, kPrompt };
  std::vector<std::string_view> texts;
  std::vector<std::pair<size_t, Part>> places;  // into the answers
  size_t bytes = 0;

  void add(size_t answer, Part part, std::string_view text) {
    if (text.empty()) return;
    texts.push_back(text);
    places.push_back({answer, part});
    bytes += text.size();
  }
};

// Why answers are not counted, and how many.
struct LeftOut {
  int64_t in_parts = 0, replaced = 0, long_prompts = 0, uncountable = 0, uncountable_prompts = 0;
  std::string problem;  // of the first that cannot be counted

  std::string words() const {
    std::vector<std::string> parts;
    if (in_parts > 0) parts.push_back(fmt::format("{} that have tool calls or are too long", in_parts));
    if (replaced > 0) parts.push_back(fmt::format("{} with bytes that are no text", replaced));
    if (long_prompts > 0) parts.push_back(fmt::format("the prompts of {}, too long", long_prompts));
    if (uncountable > 0) parts.push_back(fmt::format("{} that cannot be ({})", uncountable, problem));
    if (uncountable_prompts > 0)
      parts.push_back(fmt::format("the prompts of {}, which cannot be{}", uncountable_prompts,
                                  uncountable > 0 ? "" : " (" + problem + ")"));
    return join(parts, "; ");
  }
};

bool is_replaced(const std::string& text) {
  return text.find(kReplacementCharacter) != std::string::npos || !is_valid_utf8(text);
}

// What can be counted of the sample; `answers` gets one row for each of `texts`.
CountingJob counting_job(const std::vector<AnswerText>& texts, std::vector<CountedAnswer>& answers,
                         LeftOut& left_out) {
  CountingJob job;
  const auto fits = [&](const std::string& text) {
    return text.size() <= kMaxListedTextBytes &&
           job.bytes + text.size() + 4 * (texts.size() * 3) <= kMaxTextListBytes;
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    const AnswerText& text = texts[i];
    const bool has_usage = text.output_tokens > 0;
    answers.push_back(
        {.class_index = text.class_index,
         .has_reasoning = !text.reasoning.empty(),
         .is_from_chunks = !has_usage,
         .prompt_told = text.prompt_tokens,
         .output_told = has_usage ? int64_t{text.output_tokens} : static_cast<int64_t>(text.chunks),
         .prompt = {},
         .output = {}});
    if (!text.is_whole || !fits(text.content + text.reasoning)) {
      ++left_out.in_parts;
    } else if (is_replaced(text.content) || is_replaced(text.reasoning)) {
      ++left_out.replaced;
    } else {
      answers.back().output = 0;  // also where there is no text to be counted
      job.add(i, CountingJob::Part::kContent, text.content);
      job.add(i, CountingJob::Part::kReasoning, text.reasoning);
    }
    if (text.prompt.empty()) continue;
    if (fits(text.prompt)) {
      job.add(i, CountingJob::Part::kPrompt, text.prompt);
    } else {
      ++left_out.long_prompts;
    }
  }
  return job;
}

// Whose verdicts rest on the time of a token.
bool limits_tpot(const std::vector<TrafficClass>& classes, const std::string& name) {
  return std::ranges::any_of(
      classes, [&](const TrafficClass& each) { return each.name == name && each.slo.tpot_ms.has_value(); });
}

bool is_judgement(const Record& record) {
  return record.metric == "slo_attainment" || record.metric == "goodput_per_s" ||
         record.metric == "capacity_per_s";
}

// Divides by output tokens, or judges or counts what does; or counts prompt tokens.
bool rests_on_token_counts(const Record& record) {
  return record.metric.starts_with("tpot_ms_") || record.metric.starts_with("tpot_server_difference_ms_") ||
         record.metric == "output_throughput_tokens_per_s" || record.metric == "energy_per_output_token_j" ||
         record.metric == "input_throughput_tokens_per_s" || is_judgement(record);
}

bool is_doubtful(const Record& record, const DoubtfulTokens& tokens,
                 const std::vector<TrafficClass>& classes) {
  const std::string& of = record.conditions["traffic_class"].as_string();
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (record.metric == "input_throughput_tokens_per_s") return has(tokens.prompt_classes, of);
  if (!is_judgement(record)) return has(tokens.classes, of);
  // A tier has limits of its own for every class.
  const std::string& tier = record.conditions["tier"].as_string();
  const bool has_own_limits = !tier.empty() && tier != kOwnTier;
  return std::ranges::any_of(tokens.classes, [&](const std::string& name) {
    return (of == name || of == "all") && (has_own_limits || limits_tpot(classes, name));
  });
}

}  // namespace

DoubtfulTokens doubtful_tokens_of(const Finding& finding) {
  const auto names = [&](const char* key) {
    std::vector<std::string> out;
    for (const Json& name : finding.evidence[key].items()) out.push_back(name.as_string());
    return out;
  };
  return {.classes = names("doubtful_classes"), .prompt_classes = names("doubtful_prompt_classes")};
}

void doubt_tokens(const DoubtfulTokens& tokens, const std::vector<TrafficClass>& classes,
                  std::vector<Record>& records) {
  for (Record& record : records) {
    if (record.validity == Validity::kValid && rests_on_token_counts(record) &&
        is_doubtful(record, tokens, classes))
      record.validity = Validity::kDoubtful;
  }
}

TokenCheck check_tokens(ExamContext& context, TokenCounter& counter, const std::vector<AnswerText>& texts,
                        const std::vector<TrafficClass>& classes, const Json& conditions,
                        TrialOutcome& outcome) {
  TokenCheck check;
  if (texts.empty()) return check;
  context.progress.update(1, "counting tokens");
  std::vector<CountedAnswer> answers;
  LeftOut left_out;
  const CountingJob job = counting_job(texts, answers, left_out);
  const auto give_up = [&](const std::string& why) {
    outcome.findings.push_back(make_finding(
        Severity::kDoubtful, "load.tokens",
        fmt::format("The server's token counts were not held against {}: {}.", counter.source().file, why),
        Json::object().set("tokenizer", counter.source().file)));
    return check;
  };
  const Result<TokenCounter::Counts> counts = counter.count(context, job.texts, 0);
  if (!counts) return give_up(counts.error().message());
  std::set<size_t> uncountable, uncountable_prompts;
  for (size_t i = 0; i < counts->tokens.size(); ++i) {
    const auto [answer, part] = job.places[i];
    const bool is_prompt = part == CountingJob::Part::kPrompt;
    if (counts->tokens[i] == TokenCounter::kUncountable) {
      (is_prompt ? uncountable_prompts : uncountable).insert(answer);
      continue;
    }
    std::optional<int64_t>& sum = is_prompt ? answers[answer].prompt : answers[answer].output;
    sum = sum.value_or(0) + counts->tokens[i];
    if (is_prompt) check.prompts.add(counts->tokens[i] - int64_t{texts[answer].asked_prompt_tokens});
  }
  const auto with_text =
      std::ranges::count_if(answers, [](const auto& each) { return each.output.has_value(); });
  for (const size_t answer : uncountable) answers[answer].output.reset();
  left_out.uncountable = static_cast<int64_t>(uncountable.size());
  left_out.uncountable_prompts = static_cast<int64_t>(uncountable_prompts.size());
  left_out.problem = printable(counts->problem);
  // What is left would no longer be a sample of the answers.
  if (2 * left_out.uncountable > with_text) {
    return give_up(fmt::format("{} of {} cannot be counted, the first because {}", left_out.uncountable,
                               counted(with_text, "answer"), left_out.problem));
  }
  TokenCountOptions options{.classes = {},
                            .conditions = conditions,
                            .tokenizer = counter.source(),
                            .drawn = static_cast<int64_t>(texts.size()),
                            .left_out = left_out.words()};
  for (const TrafficClass& each : classes) options.classes.push_back(each.name);
  TokenCounts found = compare_token_counts(answers, options);
  doubt_tokens({.classes = found.doubtful_classes, .prompt_classes = found.doubtful_prompt_classes}, classes,
               outcome.records);
  std::ranges::move(found.records, std::back_inserter(outcome.records));
  outcome.findings.push_back(std::move(found.finding));
  check.is_counted = with_text > left_out.uncountable;
  check.agreeing_classes = std::move(found.agreeing_classes);
  return check;
}

}  // namespace assay
