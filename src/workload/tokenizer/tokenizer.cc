// A tokenizer from end to end; see tokenizer.h.
#include "workload/tokenizer/tokenizer.h"

#include <fmt/format.h>

namespace assay {

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
  if (!is_valid_utf8(text)) return fail("a text is not UTF-8");
  std::vector<uint32_t> tokens;
  for (const AddedTokenSpan& span : added_.spans(text)) {
    if (span.is_token) {
      tokens.push_back(span.id);
    } else {
      RETURN_IF_ERROR(
          encode_stretch(text.substr(span.begin, span.end - span.begin), span.begin == 0, tokens));
    }
  }
  return tokens;
}

Result<void> Tokenizer::encode_stretch(std::string_view text, bool is_first,
                                       std::vector<uint32_t>& tokens) const {
  ASSIGN_OR_RETURN(const std::string normalised, normaliser_.apply(text));
  for (const AddedTokenSpan& span : added_normalised_.spans(normalised)) {
    if (span.is_token) {
      tokens.push_back(span.id);
      continue;
    }
    std::vector<TokenWord> words;
    words.push_back({normalised.substr(span.begin, span.end - span.begin), is_first && span.begin == 0});
    RETURN_IF_ERROR(pre_tokeniser_.apply(words));
    for (const TokenWord& word : words) model_.encode(word.text, tokens);
  }
  return {};
}

}  // namespace assay
