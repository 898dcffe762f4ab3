// The two ways to count tokens; see token_counter.h.
#include "exam/load/token_counter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "catalogue/catalogue.h"
#include "workload/tokenizer/tokenizer.h"
#include "workload/workload.h"

namespace assay {
namespace {

constexpr int64_t kMostTokensOfText =
    kMaxListedTextBytes + 8;  // a token is a byte at least, but for a few in front
constexpr Nanos kTokeniseTime = nanos_from_seconds(120);

// ---- GGUF ----

class GgufCounter final : public TokenCounter {
 public:
  GgufCounter(std::string path, TokenizerSource source)
      : path_(std::move(path)), source_(std::move(source)) {}

  const TokenizerSource& source() const override { return source_; }

  Result<Counts> count(ExamContext& context, const std::vector<std::string_view>& texts,
                       size_t spelled) override {
    std::string list;
    for (const std::string_view text : texts) append_to_text_list(text, list);
    ASSIGN_OR_RETURN(const FileDescriptor input, file_in_memory(list));
    Json job = Json::object().set("job", "tokenise").set("model", path_);
    if (spelled > 0) job.set("spelled", static_cast<int64_t>(spelled));
    Counts counts;
    counts.ends.resize(spelled);
    const auto on_line = [&](const Json& line) {
      const std::string& kind = line["tokenizer"]["kind"].as_string();
      if (!kind.empty()) source_.kind = printable(kind, 40) + ", counted by llama.cpp";
      for (const Json& count : line["tokens"].items()) counts.tokens.push_back(count.as_integer(-1));
      const int64_t text = line["text"].as_integer(-1);
      if (text < 0 || text >= static_cast<int64_t>(spelled)) return;
      for (const Json& end : line["token_ends"].items())
        counts.ends[static_cast<size_t>(text)].push_back(static_cast<uint32_t>(end.as_integer()));
    };
    const WorkerJobEnd ended =
        run_worker_job(context.worker, job, context.clock, context.clock.now() + kTokeniseTime, kTokeniseTime,
                       on_line, context.interrupted, &input);
    if (!ended.done()) return std::unexpected(ended.error);
    const bool are_sane =
        std::ranges::all_of(counts.tokens, [](int64_t n) { return n >= 0 && n <= kMostTokensOfText; });
    if (counts.tokens.size() != texts.size() || !are_sane)
      return fail(fmt::format("the worker gave {} counts for {} texts, or counts that cannot be",
                              counts.tokens.size(), texts.size()),
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

  Result<Counts> count(ExamContext& context, const std::vector<std::string_view>& texts,
                       size_t spelled) override {
    const Nanos deadline = context.clock.now() + kTokeniseTime;
    Counts counts;
    for (const std::string_view text : texts) {
      if (context.interrupted()) return fail("interrupted");
      if (context.clock.now() >= deadline)
        return fail(
            fmt::format("after {} of {} texts two minutes had passed", counts.tokens.size(), texts.size()));
      if (counts.ends.size() < spelled)
        counts.ends.push_back(tokenizer_.ends(text).value_or(std::vector<uint32_t>()));
      // A server must not be able to spoil the rest of the sample by one answer.
      const Result<std::vector<uint32_t>> tokens = tokenizer_.encode(text);
      counts.tokens.push_back(tokens ? static_cast<int64_t>(tokens->size()) : kUncountable);
      if (!tokens && counts.problem.empty()) counts.problem = tokens.error().message();
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

}  // namespace

Result<std::unique_ptr<TokenCounter>> open_token_counter(const std::string& path) {
  return path.ends_with(".gguf") ? open_gguf(path) : open_file(path);
}

}  // namespace assay
