// The front door of workload/tokenizer: a tokenizer.json (Hugging Face) read and run, to count tokens as a
// server does. Known are BPE models, byte-level (GPT-2, Llama 3, Qwen, SmolLM2) or with the bytes of unknown
// characters as tokens (Llama 2, Mistral, Gemma); the normalizers NFC, NFD, NFKC, NFKD, Replace, Prepend; the
// pre-tokenizers Split, ByteLevel, Metaspace, Digits, Punctuation; sequences of both; and added tokens. What
// a file asks for beyond that is refused by name: a count that is nearly right would be worse than none.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "workload/tokenizer/added_tokens.h"
#include "workload/tokenizer/bpe_model.h"
#include "workload/tokenizer/normaliser.h"
#include "workload/tokenizer/pre_tokeniser.h"

namespace assay {

inline constexpr int64_t kMaxTokenizerBytes = int64_t{128} << 20;  // of a file

// One thread only: its patterns are.
class Tokenizer {
 public:
  // `where` is the file, for errors.
  static Result<Tokenizer> parse(std::string_view json, const std::string& where);

  // The tokens of `text` alone: what a file adds in front or behind is left out, and so are truncation and
  // padding. Special tokens that the text spells are one token each. Fails where the text is not UTF-8, or a
  // pattern takes too many steps on it.
  Result<std::vector<uint32_t>> encode(std::string_view text) const;

  // Where in `text` its tokens end, in bytes; empty where they do not spell it: unknown characters, what a
  // normaliser changed. Fails as encode does.
  Result<std::vector<uint32_t>> ends(std::string_view text) const;

  size_t vocabulary() const { return model_.vocabulary(); }
  std::string kind() const;  // "byte-level BPE"

 private:
  Tokenizer() = default;
  // What the model made, and the text of an added token, which is empty of others.
  using OnTokens = std::function<void(std::span<const uint32_t> tokens, std::string_view added)>;
  Result<void> encode_to(std::string_view text, const OnTokens& on_tokens) const;
  Result<void> encode_stretch(std::string_view text, bool is_first, const OnTokens& on_tokens) const;
  std::string spelling(std::string_view token) const;

  Normaliser normaliser_;
  PreTokeniser pre_tokeniser_;
  BpeModel model_;
  AddedTokens added_, added_normalised_;
};

}  // namespace assay
