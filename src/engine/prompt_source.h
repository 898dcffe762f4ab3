// Prompts as token ids: corpora tokenised once with the model's own tokenizer and cut to exact lengths.
#pragma once

#include <llama.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "workload/workload.h"

namespace assay {

// Tokens of `text`. A vocabulary without a tokenizer would abort inside llama_tokenize: there a byte is a
// token, modulo the vocabulary, which says nothing about text but keeps speed measurable.
std::vector<llama_token> tokenize(const llama_vocab* vocab, std::string_view text);

class PromptSource {
 public:
  // Tokenises every corpus.
  explicit PromptSource(const llama_vocab* vocab);
  bool knows(std::string_view corpus) const { return find(corpus).has_value(); }
  // Appends the request's prompt, part by part, each modulo the corpus's length and wrapping around. An
  // unknown corpus is an error.
  Result<void> append_prompt(const Request& request, std::vector<llama_token>& tokens) const;
  // Equal for requests whose prefixes are equal token by token as far as both go; 0 without a prefix.
  Result<uint64_t> prefix_key(const Request& request) const;

 private:
  struct Corpus {
    std::string name;
    std::vector<llama_token> tokens;
  };
  Result<size_t> find(std::string_view corpus) const;
  std::vector<Corpus> corpora_;
};

}  // namespace assay
