// Reading and running of pre-tokenizers; see pre_tokeniser.h.
#include "workload/tokenizer/pre_tokeniser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace assay {
namespace {

constexpr int kMaxPreTokeniserDepth = 8;
constexpr size_t kMaxPreTokeniserSteps = 64;
// GPT-2's own, as every ByteLevel that is not told otherwise uses it.
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kPunctuationPattern = R"([\p{P}!-/:-@\[-`{-~])";

// GPT-2's byte alphabet: printable bytes of Latin-1 stand for themselves, the others for U+0100 and on.
std::array<std::string, 256> byte_alphabet() {
  std::array<std::string, 256> alphabet;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_printable =
        (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    const unsigned point = is_printable ? byte : next++;
    if (point < 0x80) {
      alphabet[byte] = static_cast<char>(point);
    } else {
      alphabet[byte] = {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
    }
  }
  return alphabet;
}

}  // namespace

std::string bytes_of_byte_level(std::string_view text) {
  static const std::unordered_map<std::string, char> kBytes = [] {
    const std::array<std::string, 256> alphabet = byte_alphabet();
    std::unordered_map<std::string, char> bytes;
    for (size_t byte = 0; byte < alphabet.size(); ++byte)
      bytes.emplace(alphabet[byte], static_cast<char>(byte));
    return bytes;
  }();
  std::string out;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, std::max<size_t>(1, utf8_length(text)));
    text.remove_prefix(character.size());
    const auto byte = kBytes.find(std::string(character));
    if (byte != kBytes.end()) out += byte->second;
  }
  return out;
}

Result<PreTokeniser> PreTokeniser::read(const Json& json, const std::string& where) {
  PreTokeniser pre_tokeniser;
  if (!json.is_null()) RETURN_IF_ERROR(read_into(json, where, 0, pre_tokeniser.steps_));
  return pre_tokeniser;
}

bool PreTokeniser::is_byte_level() const {
  return std::ranges::any_of(steps_,
                             [](const Step& step) { return std::holds_alternative<ByteLevel>(step); });
}

Result<void> PreTokeniser::read_into(const Json& json, const std::string& where, int depth,
                                     std::vector<Step>& steps) {
  const std::string& type = json["type"].as_string();
  if (depth > kMaxPreTokeniserDepth || steps.size() >= kMaxPreTokeniserSteps)
    return fail("the pre_tokenizer has too many steps", where);
  if (type == "Sequence") {
    for (const Json& each : json["pretokenizers"].items())
      RETURN_IF_ERROR(read_into(each, where, depth + 1, steps));
    return {};
  }
  if (type == "ByteLevel") return read_byte_level(json, where, steps);
  if (type == "Metaspace") return read_metaspace(json, where, steps);
  if (type == "Split") return read_split(json, where, steps);
  if (type == "Digits" || type == "Punctuation") {
    const bool is_digits = type == "Digits";
    ASSIGN_OR_RETURN(TokenPattern pattern,
                     TokenPattern::compile(is_digits ? R"(\p{N})" : kPunctuationPattern, where));
    Behaviour behaviour =
        json["individual_digits"].as_bool() || !is_digits ? Behaviour::kIsolated : Behaviour::kContiguous;
    if (json["behavior"].is_string()) {
      ASSIGN_OR_RETURN(behaviour, behaviour_named(json["behavior"].as_string(), where));
    }
    steps.emplace_back(Split{std::move(pattern), behaviour, false});
    return {};
  }
  return fail(fmt::format("its pre_tokenizer {} is not implemented", printable(type, 60)), where,
              "Count with the model's GGUF instead.");
}

Result<void> PreTokeniser::read_byte_level(const Json& json, const std::string& where,
                                           std::vector<Step>& steps) {
  if (json["add_prefix_space"].as_bool(true)) steps.emplace_back(LeadingSpace{});
  if (json["use_regex"].as_bool(true)) {
    ASSIGN_OR_RETURN(TokenPattern pattern, TokenPattern::compile(kGpt2Pattern, where));
    steps.emplace_back(Split{std::move(pattern), Behaviour::kIsolated, false});
  }
  steps.emplace_back(ByteLevel{});
  return {};
}

Result<void> PreTokeniser::read_metaspace(const Json& json, const std::string& where,
                                          std::vector<Step>& steps) {
  Metaspace step{.replacement = json["replacement"].as_string(), .prefix = Metaspace::Prefix::kAlways};
  if (utf8_length(step.replacement) != step.replacement.size() || step.replacement.empty())
    return fail("the replacement of its Metaspace is no single character", where);
  const std::string& scheme = json["prepend_scheme"].as_string();
  if (scheme == "first") step.prefix = Metaspace::Prefix::kFirst;
  if (scheme == "never" || !json["add_prefix_space"].as_bool(true)) step.prefix = Metaspace::Prefix::kNever;
  if (!scheme.empty() && scheme != "first" && scheme != "never" && scheme != "always")
    return fail(fmt::format("the prepend_scheme {} of its Metaspace is not known", printable(scheme, 40)),
                where);
  const std::string replacement = step.replacement;
  steps.emplace_back(std::move(step));
  if (!json["split"].as_bool(true)) return {};
  ASSIGN_OR_RETURN(TokenPattern pattern, TokenPattern::literal(replacement, where));
  steps.emplace_back(Split{std::move(pattern), Behaviour::kMergedWithNext, false});
  return {};
}

Result<void> PreTokeniser::read_split(const Json& json, const std::string& where, std::vector<Step>& steps) {
  ASSIGN_OR_RETURN(const Behaviour behaviour, behaviour_named(json["behavior"].as_string(), where));
  ASSIGN_OR_RETURN(TokenPattern pattern, TokenPattern::read(json["pattern"], where));
  steps.emplace_back(Split{std::move(pattern), behaviour, json["invert"].as_bool()});
  return {};
}

Result<PreTokeniser::Behaviour> PreTokeniser::behaviour_named(const std::string& name,
                                                              const std::string& where) {
  constexpr std::pair<std::string_view, Behaviour> kBehaviours[] = {
      {"Isolated", Behaviour::kIsolated},
      {"Removed", Behaviour::kRemoved},
      {"Contiguous", Behaviour::kContiguous},
      {"MergedWithPrevious", Behaviour::kMergedWithPrevious},
      {"MergedWithNext", Behaviour::kMergedWithNext},
  };
  for (const auto& [known, behaviour] : kBehaviours) {
    if (name == known) return behaviour;
  }
  return fail(fmt::format("the behavior {} of a Split is not known", printable(name, 40)), where);
}

Result<void> PreTokeniser::apply(std::vector<TokenWord>& words) const {
  for (const Step& step : steps_) {
    std::vector<TokenWord> out;
    out.reserve(words.size());
    for (TokenWord& word : words)
      RETURN_IF_ERROR(std::visit([&](const auto& each) { return run(each, word, out); }, step));
    words = std::move(out);
  }
  return {};
}

// What becomes of matches and of what lies between them. A match that follows a match is not merged with it.
std::vector<TokenSpan> PreTokeniser::merged(std::vector<TokenSpan> spans, Behaviour behaviour) {
  if (behaviour == Behaviour::kIsolated) return spans;
  if (behaviour == Behaviour::kRemoved) {
    std::erase_if(spans, [](const TokenSpan& span) { return span.is_match; });
    return spans;
  }
  std::vector<TokenSpan> out;
  bool was_match = false;
  if (behaviour == Behaviour::kContiguous) {
    for (const TokenSpan& span : spans) {
      if (!out.empty() && span.is_match == was_match) {
        out.back().end = span.end;
      } else {
        out.push_back(span);
      }
      was_match = span.is_match;
    }
    return out;
  }
  const bool with_next = behaviour == Behaviour::kMergedWithNext;
  if (with_next) std::ranges::reverse(spans);
  for (const TokenSpan& span : spans) {
    if (span.is_match && !was_match && !out.empty()) {
      (with_next ? out.back().begin : out.back().end) = with_next ? span.begin : span.end;
    } else {
      out.push_back(span);
    }
    was_match = span.is_match;
  }
  if (with_next) std::ranges::reverse(out);
  return out;
}

Result<void> PreTokeniser::run(const Split& step, TokenWord& word, std::vector<TokenWord>& out) {
  ASSIGN_OR_RETURN(std::vector<TokenSpan> spans, step.pattern.spans(word.text));
  if (step.is_inverted) {
    for (TokenSpan& span : spans) span.is_match = !span.is_match;
  }
  spans = merged(std::move(spans), step.behaviour);
  if (spans.size() == 1 && spans[0].begin == 0 && spans[0].end == word.text.size()) {
    if (!word.text.empty()) out.push_back(std::move(word));
    return {};
  }
  for (const TokenSpan& span : spans) {
    if (span.begin == span.end) continue;
    out.push_back({word.text.substr(span.begin, span.end - span.begin), word.is_first && span.begin == 0});
  }
  return {};
}

Result<void> PreTokeniser::run(const ByteLevel&, TokenWord& word, std::vector<TokenWord>& out) {
  static const std::array<std::string, 256> kAlphabet = byte_alphabet();
  std::string mapped;
  mapped.reserve(word.text.size() * 2);
  for (const char c : word.text) mapped += kAlphabet[static_cast<unsigned char>(c)];
  out.push_back({std::move(mapped), word.is_first});
  return {};
}

Result<void> PreTokeniser::run(const Metaspace& step, TokenWord& word, std::vector<TokenWord>& out) {
  std::string text;
  text.reserve(word.text.size());
  for (const char c : word.text) {
    if (c == ' ') {
      text += step.replacement;
    } else {
      text += c;
    }
  }
  const bool is_wanted = step.prefix == Metaspace::Prefix::kAlways ||
                         (step.prefix == Metaspace::Prefix::kFirst && word.is_first);
  if (is_wanted && !text.starts_with(step.replacement)) text.insert(0, step.replacement);
  out.push_back({std::move(text), word.is_first});
  return {};
}

Result<void> PreTokeniser::run(const LeadingSpace&, TokenWord& word, std::vector<TokenWord>& out) {
  if (!word.text.starts_with(' ')) word.text.insert(0, 1, ' ');
  out.push_back(std::move(word));
  return {};
}

}  // namespace assay
