// Cutting of prompts; see prompt_cutter.h.
#include "workload/prompt_cutter.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "workload/traffic.h"

namespace assay {
namespace {

constexpr size_t kMaxWordBytes = 64;         // longer ones are nothing to begin at
constexpr double kLeastShareOfStarts = 0.1;  // of the words: else prompts would begin alike too often
constexpr std::string_view kBlanks = " \n\t\r";

bool is_blank_byte(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

// Calls `on_word(begin, end)` for each stretch between blanks that is no longer than a word may be.
template <class OnWord>
void each_word(std::string_view text, OnWord on_word) {
  size_t begin = text.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    if (end - begin <= kMaxWordBytes) on_word(begin, end);
    begin = text.find_first_not_of(kBlanks, end);
  }
}

}  // namespace

// ---- where tokens end ----

void SpelledText::add(std::string_view piece) {
  if (ends_.empty() && piece.starts_with(' ') && !text_.starts_with(' ')) piece.remove_prefix(1);
  is_broken_ = is_broken_ || !text_.substr(at_).starts_with(piece) || text_.size() > UINT32_MAX;
  if (is_broken_) return;
  at_ += piece.size();
  ends_.push_back(static_cast<uint32_t>(at_));
}

std::vector<uint32_t> SpelledText::take() {
  if (is_broken_ || at_ != text_.size()) ends_.clear();
  return std::move(ends_);
}

std::vector<std::string_view> words_of_corpus(std::string_view corpus) {
  std::set<std::string_view> words;
  each_word(corpus, [&](size_t begin, size_t end) { words.insert(corpus.substr(begin, end - begin)); });
  return {words.begin(), words.end()};
}

// ---- a corpus by its tokens ----

std::optional<CorpusTokens> CorpusTokens::create(std::string_view corpus, std::vector<uint32_t> ends,
                                                 const std::map<std::string_view, WordTokens>& words) {
  if (ends.empty() || ends.back() != corpus.size() || !std::ranges::is_sorted(ends)) return std::nullopt;
  // How many more tokens a stretch has that begins at a word, alone and behind a blank: the usual way of the
  // tokenizer, to which not every word keeps.
  std::map<std::pair<int64_t, int64_t>, std::vector<Start>> ways;
  size_t all = 0;
  each_word(corpus, [&](size_t begin, size_t end) {
    ++all;
    const auto word = words.find(corpus.substr(begin, end - begin));
    if (word == words.end()) return;
    const auto token_at = [&](size_t at) {
      return static_cast<size_t>(std::ranges::upper_bound(ends, at) - ends.begin());
    };
    const size_t first = token_at(begin), last = token_at(end - 1);
    const size_t first_begin = first == 0 ? 0 : ends[first - 1];
    const std::string_view before = corpus.substr(first_begin, begin - first_begin);
    if (!std::ranges::all_of(before, is_blank_byte)) return;
    const auto inside = static_cast<int64_t>(last - first + 1);
    ways[{word->second.alone - inside, word->second.behind_blank - inside}].push_back(
        {static_cast<uint32_t>(begin), static_cast<uint32_t>(first)});
  });
  const auto usual = std::ranges::max_element(ways, {}, [](const auto& way) { return way.second.size(); });
  if (usual == ways.end() ||
      static_cast<double>(usual->second.size()) < kLeastShareOfStarts * static_cast<double>(all))
    return std::nullopt;
  CorpusTokens tokens;
  tokens.ends_ = std::move(ends);
  tokens.starts_ = std::move(usual->second);
  std::tie(tokens.more_alone_, tokens.more_behind_blank_) = usual->first;
  return tokens;
}

// Behind the `token`-th one, once the blanks at its end are gone.
bool CorpusTokens::may_end_behind(std::string_view corpus, size_t token) const {
  const size_t begin = token == 0 ? 0 : ends_[token - 1], end = ends_[token];
  const std::string_view piece = corpus.substr(begin, end - begin);
  const bool is_whole_character =
      end == corpus.size() || (static_cast<unsigned char>(corpus[end]) & 0xc0) != 0x80;
  return is_whole_character && piece.find_last_not_of(kBlanks) != std::string_view::npos;
}

// The number nearest to `tokens`, of those from `token` on (the corpus is a ring), that a stretch may have.
// Of two as near it is the smaller one at every second place, so that they are right in the mean.
size_t CorpusTokens::nearest_length(std::string_view corpus, size_t token, size_t tokens) const {
  const auto may_be = [&](size_t length) {
    return length > 0 && may_end_behind(corpus, (token + length - 1) % ends_.size());
  };
  for (size_t off = 0; off < ends_.size(); ++off) {
    const size_t less = off < tokens ? tokens - off : 0, more = tokens + off;
    const bool is_less_first = (token + tokens) % 2 == 0;
    for (const size_t length : {is_less_first ? less : more, is_less_first ? more : less}) {
      if (may_be(length)) return length;
    }
  }
  return tokens;
}

int64_t CorpusTokens::append(std::string_view corpus, uint64_t seed, uint32_t tokens, bool is_behind_blank,
                             std::string& out) const {
  auto start = std::ranges::lower_bound(starts_, seed % corpus.size(), {}, &Start::byte);
  if (start == starts_.end()) start = starts_.begin();
  const int64_t more = is_behind_blank ? more_behind_blank_ : more_alone_;
  const auto wanted = static_cast<size_t>(std::max<int64_t>(1, int64_t{tokens} - more));
  const size_t length = nearest_length(corpus, start->token, wanted), last = start->token + length - 1;
  size_t from = start->byte;
  for (size_t lap = 0; lap < last / ends_.size(); ++lap) {
    out += corpus.substr(from);
    from = 0;
  }
  out += corpus.substr(from, ends_[last % ends_.size()] - from);
  out.erase(out.find_last_not_of(kBlanks) + 1);
  return static_cast<int64_t>(length) + more - tokens;
}

// ---- all corpora ----

void PromptCutter::set_tokens(const std::string& corpus, CorpusTokens tokens) {
  ways_[corpus] = {.tokens = std::move(tokens)};
}

void PromptCutter::set_bytes_per_token(const std::string& corpus, double bytes_per_token) {
  ways_[corpus] = {.tokens = std::nullopt, .bytes_per_token = bytes_per_token};
}

int64_t PromptCutter::append(std::string_view corpus, uint64_t seed, uint32_t tokens, bool is_behind_blank,
                             std::string& out) const {
  const auto way = ways_.find(corpus);
  if (way != ways_.end() && way->second.tokens)
    return way->second.tokens->append(corpus_text(corpus), seed, tokens, is_behind_blank, out);
  out +=
      prompt_text(corpus, seed, tokens, way == ways_.end() ? bytes_per_token_ : way->second.bytes_per_token);
  return 0;
}

std::string PromptCutter::text(std::string_view corpus, uint64_t seed, uint32_t tokens) const {
  std::string text;
  append(corpus, seed, tokens, false, text);
  return text;
}

}  // namespace assay
