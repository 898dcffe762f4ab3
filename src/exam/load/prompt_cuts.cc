// Corpora by their tokens; see prompt_cuts.h.
#include "exam/load/prompt_cuts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "exam/findings.h"

namespace assay {
namespace {

// Of a corpus by any tokenizer that knows its language.
constexpr double kLeastBytesPerToken = 0.5, kMostBytesPerToken = 20;
// What words are counted behind: a word of one token, as far as there are any.
constexpr std::string_view kWordBefore = "a";

// Everything that has to be counted, in one go: for a GGUF a worker is started.
struct CorporaJob {
  std::vector<std::string> corpora;
  std::vector<std::string_view> words;
  std::vector<std::string> behind;  // each word after another one
  std::vector<std::string_view> texts;

  explicit CorporaJob(const std::vector<TrafficClass>& classes) {
    std::set<std::string> names;
    for (const TrafficClass& each : classes) names.insert(each.corpus);
    corpora.assign(names.begin(), names.end());
    std::set<std::string_view> all;
    for (const std::string& corpus : corpora) {
      const std::vector<std::string_view> of_corpus = words_of_corpus(corpus_text(corpus));
      all.insert(of_corpus.begin(), of_corpus.end());
      texts.push_back(corpus_text(corpus));
    }
    words.assign(all.begin(), all.end());
    for (const std::string_view word : words) behind.push_back(fmt::format("{} {}", kWordBefore, word));
    texts.push_back(kWordBefore);
    texts.insert(texts.end(), words.begin(), words.end());
    texts.insert(texts.end(), behind.begin(), behind.end());
  }

  std::map<std::string_view, WordTokens> words_counted(const std::vector<int64_t>& counts) const {
    std::map<std::string_view, WordTokens> counted;
    const int64_t before = counts[corpora.size()];
    const size_t first = corpora.size() + 1;
    for (size_t i = 0; i < words.size(); ++i) {
      const int64_t alone = counts[first + i], behind_blank = counts[first + words.size() + i];
      if (before < 0 || alone < 0 || behind_blank < 0) continue;
      counted.emplace(words[i], WordTokens{.alone = alone, .behind_blank = behind_blank - before});
    }
    return counted;
  }
};

PromptCuts not_cut(const TokenCounter& counter, const std::string& why) {
  PromptCuts cuts;
  cuts.finding = make_finding(
      Severity::kDoubtful, "load.prompt-lengths",
      fmt::format("Prompts could not be cut by {}, so that their lengths in tokens are an estimate: {}.",
                  counter.source().file, why),
      Json::object().set("tokenizer", counter.source().file));
  return cuts;
}

}  // namespace

PromptCuts cut_prompts(ExamContext& context, TokenCounter& counter,
                       const std::vector<TrafficClass>& classes) {
  context.progress.update(0, "counting the tokens of what prompts are cut from");
  const CorporaJob job(classes);
  Result<TokenCounter::Counts> counts = counter.count(context, job.texts, job.corpora.size());
  if (!counts) return not_cut(counter, counts.error().message());
  const std::map<std::string_view, WordTokens> words = job.words_counted(counts->tokens);
  PromptCuts cuts;
  std::vector<std::string> ways;
  for (size_t i = 0; i < job.corpora.size(); ++i) {
    const std::string& corpus = job.corpora[i];
    const std::string_view text = corpus_text(corpus);
    std::string way;
    if (auto tokens = CorpusTokens::create(text, std::move(counts->ends[i]), words)) {
      cuts.cutter.set_tokens(corpus, std::move(*tokens));
      way = "tokens";
    } else {
      const int64_t count = counts->tokens[i];
      const double bytes = count > 0 ? static_cast<double>(text.size()) / static_cast<double>(count) : 0;
      if (bytes < kLeastBytesPerToken || bytes > kMostBytesPerToken) {
        return not_cut(counter, counts->problem.empty()
                                    ? fmt::format("it makes {} of {} of {}",
                                                  counted(std::max<int64_t>(0, count), "token"),
                                                  format_bytes(static_cast<int64_t>(text.size())), corpus)
                                    : printable(counts->problem));
      }
      cuts.cutter.set_bytes_per_token(corpus, bytes);
      way = fmt::format("{} bytes a token", format_number(bytes));
    }
    if (std::ranges::find(ways, way) == ways.end()) ways.push_back(std::move(way));
  }
  const std::string& file = counter.source().file;
  cuts.by =
      ways == std::vector<std::string>{"tokens"} ? "tokens of " + file : join(ways, ", ") + " by " + file;
  return cuts;
}

}  // namespace assay
