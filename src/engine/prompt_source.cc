// Tokenising and cutting of prompts.
#include "engine/prompt_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

// llama.cpp's byte tokenizer grows its result by one token at a time: twelve seconds for a corpus at once, a
// few milliseconds in parts.
constexpr size_t kPartBytes = 4096;

std::vector<llama_token> bytes_as_tokens(std::string_view text, int32_t vocabulary) {
  std::vector<llama_token> tokens;
  tokens.reserve(text.size());
  for (const char c : text) tokens.push_back(static_cast<unsigned char>(c) % std::max(1, vocabulary));
  return tokens;
}

// Part by part, each up to the end of a line: the tokens of a corpus but for a few at the seams.
std::vector<llama_token> tokenize_in_parts(const llama_vocab* vocab, std::string_view text) {
  std::vector<llama_token> tokens;
  while (!text.empty()) {
    size_t size = std::min(kPartBytes, text.size());
    if (const size_t line = text.rfind('\n', size - 1);
        size < text.size() && line != std::string_view::npos) {
      size = line + 1;
    }
    const std::vector<llama_token> part = tokenize(vocab, text.substr(0, size));
    tokens.insert(tokens.end(), part.begin(), part.end());
    text.remove_prefix(size);
  }
  return tokens;
}

void append_wrapped(const std::vector<llama_token>& corpus, uint64_t seed, uint32_t count,
                    std::vector<llama_token>& out) {
  size_t at = seed % corpus.size();
  for (uint32_t i = 0; i < count; ++i) {
    out.push_back(corpus[at]);
    if (++at == corpus.size()) at = 0;
  }
}

}  // namespace

std::vector<llama_token> tokenize(const llama_vocab* vocab, std::string_view text) {
  const int32_t vocabulary = llama_vocab_n_tokens(vocab);
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) return bytes_as_tokens(text, vocabulary);
  std::vector<llama_token> tokens(text.size() + 8);
  const auto run = [&] {
    return llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                          static_cast<int32_t>(tokens.size()), false, false);
  };
  int32_t count = run();
  if (count < 0 && count != INT32_MIN) {
    tokens.resize(static_cast<size_t>(-count));
    count = run();
  }
  tokens.resize(static_cast<size_t>(std::max(0, count)));
  return tokens;
}

PromptSource::PromptSource(const llama_vocab* vocab) {
  for (const std::string& name : corpus_names()) {
    Corpus corpus{name, tokenize_in_parts(vocab, corpus_text(name))};
    // A tokenizer that makes nothing of a text is as good as none.
    if (corpus.tokens.empty())
      corpus.tokens = bytes_as_tokens(corpus_text(name), llama_vocab_n_tokens(vocab));
    corpora_.push_back(std::move(corpus));
  }
}

Result<size_t> PromptSource::find(std::string_view corpus) const {
  for (size_t i = 0; i < corpora_.size(); ++i) {
    if (corpora_[i].name == corpus) return i;
  }
  return fail(fmt::format("there is no corpus '{}'", printable(corpus)));
}

Result<void> PromptSource::append_prompt(const Request& request, std::vector<llama_token>& tokens) const {
  ASSIGN_OR_RETURN(const size_t index, find(request.corpus));
  for (const PromptPart& part : prompt_parts(request))
    append_wrapped(corpora_[index].tokens, part.seed, part.tokens, tokens);
  return {};
}

Result<uint64_t> PromptSource::prefix_key(const Request& request) const {
  if (request.prefix_tokens == 0) return 0;
  ASSIGN_OR_RETURN(const size_t index, find(request.corpus));
  // A prefix of several stretches goes by its name, which no place in a corpus is as large as.
  if (!request.prefix_parts.empty())
    return (uint64_t{1} << 63) | Random(request.prefix_seed, index, 0).next();
  return 1 + index + corpora_.size() * (request.prefix_seed % corpora_[index].tokens.size());
}

}  // namespace assay
