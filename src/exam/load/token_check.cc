// Token counts after a trial; see token_check.h.
#include "exam/load/token_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "catalogue/catalogue.h"
#include "exam/findings.h"
#include "workload/tokenizer/tokenizer.h"

namespace assay {
namespace {

constexpr int64_t kMostTokensOfText =
    kMaxListedTextBytes + 8;  // a token is a byte at least, but for a few in front
constexpr Nanos kTokeniseTime = nanos_from_seconds(120);
constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

// ---- GGUF ----

class GgufCounter final : public TokenCounter {
 public:
  GgufCounter(std::string path, TokenizerSource source)
      : path_(std::move(path)), source_(std::move(source)) {}

  const TokenizerSource& source() const override { return source_; }

  Result<std::vector<int64_t>> count(ExamContext& context,
                                     const std::vector<std::string_view>& texts) override {
    std::string list;
    for (const std::string_view text : texts) append_to_text_list(text, list);
    ASSIGN_OR_RETURN(const FileDescriptor input, file_in_memory(list));
    const Json job = Json::object().set("job", "tokenise").set("model", path_);
    std::vector<int64_t> counts;
    const auto on_line = [&](const Json& line) {
      const std::string& kind = line["tokenizer"]["kind"].as_string();
      if (!kind.empty()) source_.kind = printable(kind, 40) + ", counted by llama.cpp";
      for (const Json& count : line["tokens"].items()) counts.push_back(count.as_integer(-1));
    };
    const WorkerJobEnd ended =
        run_worker_job(context.worker, job, context.clock, context.clock.now() + kTokeniseTime, kTokeniseTime,
                       on_line, context.interrupted, &input);
    if (!ended.done()) return std::unexpected(ended.error);
    const bool are_sane =
        std::ranges::all_of(counts, [](int64_t n) { return n >= 0 && n <= kMostTokensOfText; });
    if (counts.size() != texts.size() || !are_sane)
      return fail(fmt::format("the worker gave {} counts for {} texts, or counts that cannot be",
                              counts.size(), texts.size()),
                  "worker job tokenise");
    return counts;
  }

 private:
  std::string path_;
  TokenizerSource source_;
};

Result<std::unique_ptr<TokenCounter>> open_gguf(const std::string& path) {
  ASSIGN_OR_RETURN(const GgufModel model, read_gguf_model(path));
  if (!model.has_tokenizer)
    return fail("the file has no tokenizer", path, "Take the GGUF of a model that reads text.");
  return std::make_unique<GgufCounter>(path, TokenizerSource{.file = file_name(path),
                                                             .bytes = model.file_bytes,
                                                             .key = {},
                                                             .kind = "vocabulary counted by llama.cpp"});
}

// ---- tokenizer.json ----

class FileCounter final : public TokenCounter {
 public:
  FileCounter(Tokenizer tokenizer, TokenizerSource source)
      : tokenizer_(std::move(tokenizer)), source_(std::move(source)) {}

  const TokenizerSource& source() const override { return source_; }

  Result<std::vector<int64_t>> count(ExamContext& context,
                                     const std::vector<std::string_view>& texts) override {
    const Nanos deadline = context.clock.now() + kTokeniseTime;
    std::vector<int64_t> counts;
    for (const std::string_view text : texts) {
      if (context.interrupted()) return fail("interrupted");
      if (context.clock.now() >= deadline)
        return fail(fmt::format("after {} of {} texts two minutes had passed", counts.size(), texts.size()));
      // A server must not be able to spoil the rest of the sample by one answer.
      const Result<std::vector<uint32_t>> tokens = tokenizer_.encode(text);
      counts.push_back(tokens ? static_cast<int64_t>(tokens->size()) : kUncountable);
    }
    return counts;
  }

 private:
  Tokenizer tokenizer_;
  TokenizerSource source_;
};

Result<std::unique_ptr<TokenCounter>> open_file(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxTokenizerBytes));
  ASSIGN_OR_RETURN(Tokenizer tokenizer, Tokenizer::parse(text, path));
  TokenizerSource source{.file = file_name(path),
                         .bytes = static_cast<int64_t>(text.size()),
                         .key = content_key(text),
                         .kind = tokenizer.kind()};
  return std::make_unique<FileCounter>(std::move(tokenizer), std::move(source));
}

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
  int64_t in_parts = 0, replaced = 0, long_prompts = 0, uncountable = 0;

  std::string words() const {
    std::vector<std::string> parts;
    if (in_parts > 0) parts.push_back(fmt::format("{} that have tool calls or are too long", in_parts));
    if (replaced > 0) parts.push_back(fmt::format("{} with bytes that are no text", replaced));
    if (long_prompts > 0) parts.push_back(fmt::format("the prompts of {}, too long", long_prompts));
    if (uncountable > 0) parts.push_back(fmt::format("{} texts that take too many steps", uncountable));
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

bool is_doubtful(const Record& record, const TokenCounts& found, const std::vector<TrafficClass>& classes) {
  const std::string& of = record.conditions["traffic_class"].as_string();
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (record.metric == "input_throughput_tokens_per_s") return has(found.doubtful_prompt_classes, of);
  if (!is_judgement(record)) return has(found.doubtful_classes, of);
  // A tier has limits of its own for every class.
  const std::string& tier = record.conditions["tier"].as_string();
  const bool has_own_limits = !tier.empty() && tier != kOwnTier;
  return std::ranges::any_of(found.doubtful_classes, [&](const std::string& name) {
    return (of == name || of == "all") && (has_own_limits || limits_tpot(classes, name));
  });
}

}  // namespace

bool rests_on_token_counts(const Record& record) {
  return record.metric.starts_with("tpot_ms_") || record.metric.starts_with("tpot_server_difference_ms_") ||
         record.metric == "output_throughput_tokens_per_s" || record.metric == "energy_per_output_token_j" ||
         record.metric == "input_throughput_tokens_per_s" || is_judgement(record);
}

Result<std::unique_ptr<TokenCounter>> open_token_counter(const std::string& path) {
  return path.ends_with(".gguf") ? open_gguf(path) : open_file(path);
}

void check_tokens(ExamContext& context, TokenCounter& counter, const std::vector<AnswerText>& texts,
                  const std::vector<TrafficClass>& classes, const Json& conditions, TrialOutcome& outcome) {
  if (texts.empty()) return;
  context.progress.update(1, "counting tokens");
  std::vector<CountedAnswer> answers;
  LeftOut left_out;
  const CountingJob job = counting_job(texts, answers, left_out);
  const Result<std::vector<int64_t>> counts = counter.count(context, job.texts);
  if (!counts) {
    outcome.findings.push_back(
        make_finding(Severity::kDoubtful, "load.tokens",
                     fmt::format("The server's token counts were not held against {}: {}.",
                                 counter.source().file, counts.error().message()),
                     Json::object().set("tokenizer", counter.source().file)));
    return;
  }
  std::set<size_t> uncountable;
  for (size_t i = 0; i < counts->size(); ++i) {
    const auto [answer, part] = job.places[i];
    if ((*counts)[i] == TokenCounter::kUncountable) {
      ++left_out.uncountable;
      if (part != CountingJob::Part::kPrompt) uncountable.insert(answer);
      continue;
    }
    std::optional<int64_t>& sum =
        part == CountingJob::Part::kPrompt ? answers[answer].prompt : answers[answer].output;
    sum = sum.value_or(0) + (*counts)[i];
  }
  for (const size_t answer : uncountable) answers[answer].output.reset();
  TokenCountOptions options{.classes = {},
                            .conditions = conditions,
                            .tokenizer = counter.source(),
                            .drawn = static_cast<int64_t>(texts.size()),
                            .left_out = left_out.words()};
  for (const TrafficClass& each : classes) options.classes.push_back(each.name);
  TokenCounts found = compare_token_counts(answers, options);
  for (Record& record : outcome.records) {
    const bool is_hit = rests_on_token_counts(record) && is_doubtful(record, found, classes);
    if (is_hit && record.validity == Validity::kValid) record.validity = Validity::kDoubtful;
  }
  std::ranges::move(found.records, std::back_inserter(outcome.records));
  outcome.findings.push_back(std::move(found.finding));
}

}  // namespace assay
