// The trie of added tokens; see added_tokens.h.
#include "workload/tokenizer/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr size_t kMaxAddedTokenBytes = 1024;

// Unicode's White_Space.
bool is_white_space(std::string_view character) {
  if (character.size() == 1) return character[0] == ' ' || (character[0] >= '\t' && character[0] <= '\r');
  constexpr std::string_view kOthers[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80",
                                          "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
                                          "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
                                          "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                          "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
  return std::ranges::find(kOthers, character) != std::end(kOthers);
}

size_t behind_blanks(std::string_view text, size_t at) {
  while (at < text.size()) {
    const size_t length = std::max<size_t>(1, utf8_length(text.substr(at)));
    if (!is_white_space(text.substr(at, length))) break;
    at += length;
  }
  return at;
}

size_t before_blanks(std::string_view text, size_t at, size_t from) {
  while (at > from) {
    size_t begin = at - 1;
    while (begin > from && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
    if (!is_white_space(text.substr(begin, at - begin))) break;
    at = begin;
  }
  return at;
}

}  // namespace

Result<AddedTokens> AddedTokens::read(const Json& json, bool normalised, const Normaliser& normaliser,
                                      const std::string& where) {
  AddedTokens added;
  for (const Json& each : json.items()) {
    if (each["normalized"].as_bool() != normalised) continue;
    std::string content = each["content"].as_string();
    const std::string words = printable(content, 60);
    if (content.empty() || content.size() > kMaxAddedTokenBytes || !is_valid_utf8(content))
      return fail(fmt::format("the added token '{}' is empty, too long or not UTF-8", words), where);
    if (each["id"].as_integer(-1) < 0 || each["id"].as_integer() > UINT32_MAX)
      return fail(fmt::format("the added token '{}' has no number", words), where);
    if (each["single_word"].as_bool())
      return fail(fmt::format("the added token '{}' is a single_word, which is not implemented", words),
                  where, "Count with the model's GGUF instead.");
    if (normalised) {
      ASSIGN_OR_RETURN(content, normaliser.apply(content));
    }
    if (content.empty()) continue;
    added.add(content, {.id = static_cast<uint32_t>(each["id"].as_integer()),
                        .takes_blanks_before = each["lstrip"].as_bool(),
                        .takes_blanks_behind = each["rstrip"].as_bool()});
  }
  return added;
}

void AddedTokens::add(std::string_view content, const Token& token) {
  uint32_t node = 0;
  for (const char c : content) {
    const auto [edge, is_new] =
        edges_.try_emplace(uint64_t{node} << 8 | static_cast<unsigned char>(c), nodes_);
    if (is_new) ++nodes_;
    node = edge->second;
  }
  ends_.insert_or_assign(node, tokens_.size());
  tokens_.push_back(token);
}

bool AddedTokens::longest_at(std::string_view text, size_t at, Found& found) const {
  uint32_t node = 0;
  bool is_found = false;
  for (size_t i = at; i < text.size(); ++i) {
    const auto edge = edges_.find(uint64_t{node} << 8 | static_cast<unsigned char>(text[i]));
    if (edge == edges_.end()) break;
    node = edge->second;
    if (const auto end = ends_.find(node); end != ends_.end()) {
      found = {end->second, i + 1};
      is_found = true;
    }
  }
  return is_found;
}

std::vector<AddedTokenSpan> AddedTokens::spans(std::string_view text) const {
  std::vector<AddedTokenSpan> spans;
  size_t taken = 0;  // up to here the text is in `spans`
  for (size_t at = 0; at < text.size() && !tokens_.empty();) {
    Found found;
    if (!longest_at(text, at, found)) {
      ++at;
      continue;
    }
    const Token& token = tokens_[found.token];
    const size_t begin = token.takes_blanks_before ? before_blanks(text, at, taken) : std::max(at, taken);
    const size_t end = token.takes_blanks_behind ? behind_blanks(text, found.end) : found.end;
    if (taken < begin) spans.push_back({taken, begin, false, 0});
    spans.push_back({begin, end, true, token.id});
    taken = at = end;
  }
  if (taken < text.size()) spans.push_back({taken, text.size(), false, 0});
  return spans;
}

}  // namespace assay
