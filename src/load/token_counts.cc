// Comparison of token counts; see token_counts.h.
#include "load/token_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/measure.h"

namespace assay {
namespace {

constexpr size_t kLeastPrompts = 8;         // for a slope
constexpr int64_t kLeastPromptSpread = 64;  // tokens between the shortest and the longest
constexpr const char* kAllClasses = "all";

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  return sorted_quantile(values, 0.5);
}

std::string signed_percent(double share) {
  return fmt::format("{:+.1f} %", 100 * share);
}

std::string tokens_words(int64_t tokens) {
  return tokens < 1000 ? std::to_string(tokens) : format_number(static_cast<double>(tokens));
}

Json names_of(const std::vector<std::string>& classes) {
  Json names = Json::array();
  for (const std::string& name : classes) names.push(name);
  return names;
}

// ---- answers ----

struct OutputSum {
  int64_t answers = 0, told = 0, counted = 0, hidden = 0, from_chunks = 0;

  void add(const CountedAnswer& answer) {
    ++answers;
    told += answer.output_told;
    counted += *answer.output;
    hidden += answer.has_reasoning ? kHiddenTokensOfReasoning : kHiddenTokensOfAnswer;
    from_chunks += answer.is_from_chunks ? 1 : 0;
  }
  // Relative to what was counted, which is something.
  double excess() const { return static_cast<double>(told - counted) / static_cast<double>(counted); }
  std::string excess_words() const {
    return counted > 0 ? signed_percent(excess())
                       : fmt::format("{} tokens told for texts that have none", tokens_words(told));
  }
  // Beyond what may be hidden.
  bool is_wrong() const {
    const int64_t more = told - counted;
    const int64_t unexplained = more > 0 ? std::max<int64_t>(0, more - hidden) : more;
    return std::abs(static_cast<double>(unexplained)) > kTokenCountTolerance * static_cast<double>(counted);
  }
};

// ---- prompts ----

struct PromptFit {
  int64_t prompts = 0;
  double offset = 0;  // tokens
  std::optional<double>
      slope;  // tokens that usage has more for each that was counted; none: lengths too alike

  bool is_wrong() const { return slope && std::abs(*slope) > kTokenCountTolerance; }
};

PromptFit fit_prompts(const std::vector<std::pair<double, double>>& points) {  // counted, told − counted
  PromptFit fit{.prompts = static_cast<int64_t>(points.size())};
  const auto [shortest, longest] = std::ranges::minmax(points, {}, &std::pair<double, double>::first);
  if (points.size() >= kLeastPrompts && longest.first - shortest.first >= kLeastPromptSpread) {
    std::vector<double> slopes;
    for (size_t i = 0; i < points.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const double run = points[i].first - points[j].first;
        if (run != 0) slopes.push_back((points[i].second - points[j].second) / run);
      }
    }
    fit.slope = median_of(std::move(slopes));
  }
  std::vector<double> offsets;
  for (const auto& [counted, more] : points)
    offsets.push_back(more - (fit.is_wrong() ? *fit.slope * counted : 0));
  fit.offset = median_of(std::move(offsets));
  return fit;
}

// ---- both ----

class Comparison {
 public:
  Comparison(std::span<const CountedAnswer> answers, const TokenCountOptions& options)
      : answers_(answers), options_(options) {}

  TokenCounts take() {
    out_.finding.code = "load.tokens";
    out_.finding.evidence = Json::object();
    const TokenizerSource& tokenizer = options_.tokenizer;
    tokenizer_words_ =
        fmt::format("{} ({}, {})", tokenizer.file, tokenizer.kind, format_bytes(tokenizer.bytes));
    out_.finding.evidence.set("tokenizer", tokenizer.file).set("tokenizer_bytes", tokenizer.bytes);
    out_.finding.evidence.set("tokenizer_key", tokenizer.key).set("tokenizer_kind", tokenizer.kind);
    outputs();
    prompts();
    finish();
    return std::move(out_);
  }

 private:
  Record& record(const char* metric, const std::string& class_name, double value, int64_t n,
                 std::string method) {
    Record& record = out_.records.emplace_back();
    record.metric = metric;
    record.unit = std::string_view(metric).ends_with("_tokens") ? "tokens" : "";
    record.value = value;
    record.n = n;
    record.method = std::move(method);
    record.conditions = options_.conditions;
    record.conditions.set("traffic_class", class_name).set("tokenizer", options_.tokenizer.file);
    record.conditions.set("tokenizer_bytes", options_.tokenizer.bytes)
        .set("tokenizer_key", options_.tokenizer.key);
    return record;
  }

  void outputs() {
    std::vector<OutputSum> sums(options_.classes.size());
    OutputSum all;
    for (const CountedAnswer& answer : answers_) {
      if (!answer.output || answer.output_told == 0) continue;
      sums[answer.class_index].add(answer);
      all.add(answer);
    }
    if (all.answers == 0) {
      text_ += fmt::format("No output tokens could be held against {}.", tokenizer_words_);
      return;
    }
    for (size_t i = 0; i < sums.size(); ++i) {
      if (sums[i].answers > 0 && sums.size() > 1) output(options_.classes[i], sums[i]);
    }
    output(kAllClasses, all);
    for (size_t i = 0; i < sums.size(); ++i) {
      if (sums[i].answers > 0 && !sums[i].is_wrong()) out_.agreeing_classes.push_back(options_.classes[i]);
    }
    if (sums.size() == 1 && all.is_wrong()) out_.doubtful_classes.push_back(options_.classes[0]);
    output_words(all);
  }

  void output(const std::string& name, const OutputSum& sum) {
    // Nothing is a multiple of no tokens.
    if (sum.counted > 0) {
      record("usage_output_ratio", name, 1 + sum.excess(), sum.answers,
             sum.from_chunks > 0
                 ? "chunks, where there is no usage, ÷ tokens of the texts; sums over the sample"
                 : "usage.completion_tokens ÷ tokens of the texts; sums over the sample");
    }
    if (!sum.is_wrong()) return;
    out_.doubtful_classes.push_back(name);
    if (name != kAllClasses)
      wrong_classes_ += fmt::format("{}{} {}", wrong_classes_.empty() ? "" : ", ", name, sum.excess_words());
  }

  void output_words(const OutputSum& all) {
    const char* who = all.from_chunks == 0            ? "the server's usage"
                      : all.from_chunks < all.answers ? "usage, or chunks where there is none"
                                                      : "their chunks, for want of usage";
    out_.finding.evidence.set("answers", all.answers).set("output_told", all.told);
    out_.finding.evidence.set("output_counted", all.counted);
    if (all.counted == 0) return words_of_no_text(all, who);
    text_ += fmt::format("Output tokens of {}: {} by {}, {} by {}: {}.", counted(all.answers, "answer"),
                         tokens_words(all.told), who, tokens_words(all.counted), tokenizer_words_,
                         signed_percent(all.excess()));
    if (out_.doubtful_classes.empty()) {
      text_ += " They agree (tolerance 2 % and the token that ends an answer).";
      return;
    }
    if (!wrong_classes_.empty()) text_ += fmt::format(" By class: {}.", wrong_classes_);
    const bool is_more = all.told > all.counted;
    const double factor = 1 + all.excess();
    text_ += fmt::format(
        " They do not agree (tolerance 2 % and the token that ends an answer). By the tokenizer TPOT is {} ×, and output "
        "tokens/s are {} × what is reported. That is so if the file is the tokenizer of what was served{}.",
        format_number(factor), format_number(1 / factor),
        is_more
            ? ", and the server hid no tokens: special ones after an end that it was to ignore, reasoning that it "
              "does not send"
            : "");
  }

  void words_of_no_text(const OutputSum& all, const char* who) {
    text_ += fmt::format("Output tokens of {}: {} told by {}, and their texts have none.",
                         counted(all.answers, "answer"), tokens_words(all.told), who);
    text_ += !out_.doubtful_classes.empty()
                 ? " They do not agree: TPOT and output tokens/s rest on tokens that nobody was sent, unless "
                   "the server hid them (special ones, reasoning that it does not send)."
                 : " They agree: the token that ends an answer shows in no text.";
  }

  void prompts() {
    std::string offsets, wrong;
    bool has_unknown_slope = false, is_more = true;
    for (size_t i = 0; i < options_.classes.size(); ++i) {
      std::vector<std::pair<double, double>> points;
      for (const CountedAnswer& answer : answers_) {
        if (answer.class_index != i || answer.prompt_told == 0 || !answer.prompt) continue;
        points.push_back(
            {static_cast<double>(*answer.prompt), static_cast<double>(answer.prompt_told - *answer.prompt)});
      }
      if (points.empty()) continue;
      const std::string& name = options_.classes[i];
      const PromptFit fit = fit_prompts(points);
      const std::string of = options_.classes.size() > 1 ? " (" + name + ")" : "";
      is_more = is_more && fit.offset > 0;
      offsets += fmt::format("{}{:+.0f}{}", offsets.empty() ? "" : ", ", fit.offset, of);
      record("usage_prompt_offset_tokens", name, fit.offset, fit.prompts,
             "median of usage.prompt_tokens − tokens of the prompt's text, less what grows with it");
      out_.finding.evidence.set("prompt_offset_tokens_" + name, fit.offset);
      if (!fit.slope) {
        has_unknown_slope = true;
        continue;
      }
      record("usage_prompt_ratio", name, 1 + *fit.slope, fit.prompts,
             "1 + median slope of usage.prompt_tokens − tokens of the prompt's text over the latter");
      if (!fit.is_wrong()) continue;
      out_.doubtful_prompt_classes.push_back(name);
      wrong += fmt::format("{}{}{}", wrong.empty() ? "" : ", ", signed_percent(*fit.slope), of);
    }
    if (offsets.empty()) return;
    if (!wrong.empty()) {
      are_prompts_wrong_ = true;
      out_.doubtful_prompt_classes.emplace_back(kAllClasses);
      prompt_text_ = fmt::format(
          "Prompt tokens do not agree: what usage has beyond what {} counts changes with the length of the prompts ({} of "
          "it), which no template does; prompt tokens/s are wrong by as much. Beside that it has {} tokens each.",
          options_.tokenizer.file, wrong, offsets);
      return;
    }
    prompt_text_ = fmt::format("Prompts: usage has {} tokens each in the median{}.", offsets,
                               is_more ? ", as a chat template adds" : "");
    if (has_unknown_slope) {
      prompt_text_ +=
          " Whether that grows with the prompts cannot be told: they are too few or too much of one length.";
    }
  }

  void finish() {
    // What is wrong comes first.
    const bool prompts_first = are_prompts_wrong_ && out_.doubtful_classes.empty();
    if (prompts_first) std::swap(text_, prompt_text_);
    if (!prompt_text_.empty()) text_ += " " + prompt_text_;
    if (!options_.left_out.empty())
      text_ +=
          fmt::format(" Of {} drawn, not counted: {}.", counted(options_.drawn, "answer"), options_.left_out);
    out_.finding.evidence.set("agreeing_classes", names_of(out_.agreeing_classes))
        .set("doubtful_classes", names_of(out_.doubtful_classes))
        .set("doubtful_prompt_classes", names_of(out_.doubtful_prompt_classes));
    out_.finding.text = std::move(text_);
    out_.finding.severity =
        out_.doubtful_classes.empty() && !are_prompts_wrong_ ? Severity::kNote : Severity::kDoubtful;
  }

  std::span<const CountedAnswer> answers_;
  const TokenCountOptions& options_;
  TokenCounts out_;
  std::string tokenizer_words_, text_, prompt_text_, wrong_classes_;
  bool are_prompts_wrong_ = false;
};

}  // namespace

TokenCounts compare_token_counts(std::span<const CountedAnswer> answers, const TokenCountOptions& options) {
  return Comparison(answers, options).take();
}

}  // namespace assay
