// A tokenizer from end to end; see tokenizer.h.
#include "workload/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <charconv>

#include "workload/prompt_cutter.h"

namespace assay {
namespace {

// SentencePiece writes blanks so.
std::string with_blanks(std::string_view token) {
  constexpr std::string_view kBlank = "▁";
  std::string text;
  for (size_t at = 0; at < token.size();) {
    const bool is_blank = token.substr(at).starts_with(kBlank);
    text += is_blank ? ' ' : token[at];
    at += is_blank ? kBlank.size() : 1;
  }
  return text;
}

}  // namespace

Result<Tokenizer> Tokenizer::parse(std::string_view text, const std::string& where) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(text, where));
  if (!json.is_object() || !json["model"].is_object())
    return fail("the file is no tokenizer.json: it has no model", where,
                "Give the tokenizer.json that lies beside the model's weights, or its GGUF.");
  Tokenizer tokenizer;
  ASSIGN_OR_RETURN(tokenizer.model_, BpeModel::read(json["model"], where));
  ASSIGN_OR_RETURN(tokenizer.normaliser_, Normaliser::read(json["normalizer"], where));
  ASSIGN_OR_RETURN(tokenizer.pre_tokeniser_, PreTokeniser::read(json["pre_tokenizer"], where));
  ASSIGN_OR_RETURN(tokenizer.added_,
                   AddedTokens::read(json["added_tokens"], false, tokenizer.normaliser_, where));
  ASSIGN_OR_RETURN(tokenizer.added_normalised_,
                   AddedTokens::read(json["added_tokens"], true, tokenizer.normaliser_, where));
  return tokenizer;
}

std::string Tokenizer::kind() const {
  if (pre_tokeniser_.is_byte_level()) return "byte-level BPE";
  return model_.has_byte_fallback() ? "BPE with byte fallback" : "BPE";
}

Result<std::vector<uint32_t>> Tokenizer::encode(std::string_view text) const {
  std::vector<uint32_t> all;
  RETURN_IF_ERROR(encode_to(text, [&](std::span<const uint32_t> tokens, std::string_view) {
    all.insert(all.end(), tokens.begin(), tokens.end());
  }));
  return all;
}

Result<std::vector<uint32_t>> Tokenizer::ends(std::string_view text) const {
  const std::unordered_map<uint32_t, std::string_view> by_id = model_.tokens_by_id();
  SpelledText spelled(text);
  RETURN_IF_ERROR(encode_to(text, [&](std::span<const uint32_t> tokens, std::string_view added) {
    if (!added.empty()) return spelled.add(with_blanks(added));
    for (const uint32_t id : tokens) spelled.add(spelling(by_id.at(id)));
  }));
  return spelled.take();
}

Result<void> Tokenizer::encode_to(std::string_view text, const OnTokens& on_tokens) const {
  if (!is_valid_utf8(text)) return fail("a text is not UTF-8");
  for (const AddedTokenSpan& span : added_.spans(text)) {
    const std::string_view stretch = text.substr(span.begin, span.end - span.begin);
    if (span.is_token) {
      on_tokens({&span.id, 1}, stretch);
    } else {
      RETURN_IF_ERROR(encode_stretch(stretch, span.begin == 0, on_tokens));
    }
  }
  return {};
}

Result<void> Tokenizer::encode_stretch(std::string_view text, bool is_first,
                                       const OnTokens& on_tokens) const {
  ASSIGN_OR_RETURN(const std::string normalised, normaliser_.apply(text));
  std::vector<uint32_t> tokens;
  for (const AddedTokenSpan& span : added_normalised_.spans(normalised)) {
    const std::string_view stretch = std::string_view(normalised).substr(span.begin, span.end - span.begin);
    if (span.is_token) {
      on_tokens({&span.id, 1}, stretch);
      continue;
    }
    std::vector<TokenWord> words;
    words.push_back({std::string(stretch), is_first && span.begin == 0});
    RETURN_IF_ERROR(pre_tokeniser_.apply(words));
    tokens.clear();
    for (const TokenWord& word : words) model_.encode(word.text, tokens);
    on_tokens(tokens, {});
  }
  return {};
}

// The bytes of a text that a token stands for.
std::string Tokenizer::spelling(std::string_view token) const {
  if (pre_tokeniser_.is_byte_level()) return bytes_of_byte_level(token);
  constexpr std::string_view kByteBegin = "<0x";
  if (model_.has_byte_fallback() && token.size() == 6 && token.starts_with(kByteBegin) &&
      token.ends_with('>')) {
    unsigned byte = 0;
    std::from_chars(token.data() + kByteBegin.size(), token.data() + 5, byte, 16);
    return std::string(1, static_cast<char>(byte));
  }
  return with_blanks(token);
}

}  // namespace assay
