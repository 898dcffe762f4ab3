// Patterns over PCRE2; see token_pattern.h.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "workload/tokenizer/token_pattern.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <optional>

namespace assay {
namespace {

constexpr size_t kMaxPatternBytes = 4096;
constexpr uint32_t kMatchLimit = 10'000'000;
// Of all matches in one text: PCRE2's own limit is one for each place where a match may begin. Patterns of
// today's models take about four a byte of prose, but the square of a run of blanks, of which this allows
// 50,000.
constexpr uint64_t kStepsOfAnyText = 20'000'000;
constexpr uint64_t kStepsOfByte = 64;
constexpr uint32_t kHeapLimitKib = 64 << 10;
constexpr std::string_view kWordCharacters = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";  // Oniguruma's \w

// Each item of a pattern that is tried is a step, and so is every stretch that it lies behind the beginning:
// what a repetition runs over is one item only. What looks behind is tried in front of the beginning.
int count_step(pcre2_callout_block* at, void* steps_left) {
  constexpr size_t kStretchBytes = 64;
  uint64_t& left = *static_cast<uint64_t*>(steps_left);
  const size_t distance =
      std::max(at->current_position, at->start_match) - std::min(at->current_position, at->start_match);
  const uint64_t taken = 1 + distance / kStretchBytes;
  left -= std::min(left, taken);
  return left == 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Reads a pattern from front to back; every construct that is not known to mean the same is an error.
class PatternTranslation {
 public:
  PatternTranslation(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  Result<std::string> take() {
    if (pattern_.size() > kMaxPatternBytes) return refused("more than 4096 bytes");
    if (!is_valid_utf8(pattern_)) return refused("bytes that are not UTF-8");
    while (at_ < pattern_.size()) {
      const std::optional<std::string> problem = in_class_ ? class_step() : step();
      if (problem) return refused(*problem);
    }
    return std::move(out_);
  }

 private:
  using Problem = std::optional<std::string>;

  std::unexpected<Error> refused(const std::string& what) const {
    return fail(fmt::format("the pattern {} has {}, which is not read here", printable(pattern_, 100), what),
                where_, "Count with the model's GGUF instead.");
  }
  std::string_view rest() const { return pattern_.substr(at_); }
  void copy(size_t bytes) {
    out_ += pattern_.substr(at_, bytes);
    at_ += bytes;
  }

  Problem step() {
    const std::string_view left = rest();
    switch (left[0]) {
      case '\\':
        return escape();
      case '[':
        return begin_class();
      case '(':
        return group();
      case '{':
        if (left.starts_with("{,")) return "a repetition {,n}";
        break;
      case '}':
        if (left.starts_with("}+")) return "a repetition {…}+";  // possessive in one, repeated in the other
        // Optional in one, n of them without greed in the other.
        if (left.starts_with("}?") && ends_exact_count()) return "a repetition {n}?";
        break;
      default:
        break;
    }
    copy(1);
    return {};
  }

  // What was read last is "{" and digits.
  bool ends_exact_count() const {
    const size_t open = out_.rfind('{');
    return open != std::string::npos && open + 1 < out_.size() &&
           out_.find_first_not_of("0123456789", open + 1) == std::string::npos;
  }

  Problem group() {
    const std::string_view left = rest();
    if (left.starts_with("(*")) return "a verb (*…)";
    if (!left.starts_with("(?")) return copy(1), Problem();
    for (const std::string_view known : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:"}) {
      if (left.starts_with(known)) return copy(known.size()), Problem();
    }
    return fmt::format("a group {}", printable(left.substr(0, 4)));
  }

  Problem begin_class() {
    copy(rest().starts_with("[^") ? 2 : 1);
    if (rest().starts_with("]")) return "a class that begins with ]";
    in_class_ = true;
    return {};
  }

  Problem class_step() {
    const std::string_view left = rest();
    if (left[0] == '\\') return escape();
    if (left[0] == '[') return "a class within a class";
    if (left.starts_with("&&")) return "an intersection of classes";
    if (left[0] == ']') in_class_ = false;
    copy(1);
    return {};
  }

  Problem replace(size_t bytes, std::string_view with) {
    at_ += bytes;
    out_ += with;
    return {};
  }

  Problem escape() {
    const std::string_view left = rest();
    if (left.size() < 2) return "a \\ at its end";
    const char c = left[1];
    switch (c) {
      case 'p':
      case 'P':
        return property(left);
      case 's':
        return replace(2, R"(\p{White_Space})");
      case 'S':
        return replace(2, R"(\P{White_Space})");
      case 'd':
        return replace(2, R"(\p{Nd})");
      case 'D':
        return replace(2, R"(\P{Nd})");
      case 'w':
        return replace(2, in_class_ ? std::string(kWordCharacters) : fmt::format("[{}]", kWordCharacters));
      case 'W':
        if (!in_class_) return replace(2, fmt::format("[^{}]", kWordCharacters));
        break;
      case 'x':
      case 'u':
        return code_point(left);
      case 'r':
      case 'n':
      case 't':
      case 'f':
        return copy(2), Problem();
      default:
        if (is_ascii_punctuation(c)) return copy(2), Problem();
        break;
    }
    return fmt::format("an escape {}", printable(left.substr(0, 2)));
  }

  Problem property(std::string_view left) {
    const size_t end = left.find('}');
    if (left.size() < 3 || left[2] != '{' || end == std::string_view::npos)
      return "a property without braces";
    return copy(end + 1), Problem();
  }

  Problem code_point(std::string_view left) {
    std::string_view digits = left.substr(2);
    size_t taken = 2;
    if (left[1] == 'x' && digits.starts_with("{")) {
      digits = digits.substr(1, digits.find('}') == std::string_view::npos ? 0 : digits.find('}') - 1);
      taken += digits.size() + 2;
    } else {
      digits = digits.substr(0, left[1] == 'u' ? 4 : 2);
      taken += digits.size();
      if (left[1] == 'u' ? digits.size() != 4 : digits.size() != 2) digits = {};
    }
    for (const char c : digits) {
      if (!is_hex(c)) digits = {};
    }
    if (digits.empty() || digits.size() > 6) return "a code point that is none";
    return replace(taken, fmt::format("\\x{{{}}}", digits));
  }

  std::string_view pattern_;
  const std::string& where_;
  size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

Result<std::string> translated_pattern(std::string_view pattern, const std::string& where) {
  return PatternTranslation(pattern, where).take();
}

struct TokenPattern::Compiled {
  template <auto kFree>
  struct Freeing {
    void operator()(auto* object) const { kFree(object); }
  };
  std::unique_ptr<pcre2_code, Freeing<pcre2_code_free>> code;
  std::unique_ptr<pcre2_match_data, Freeing<pcre2_match_data_free>> match;
  std::unique_ptr<pcre2_match_context, Freeing<pcre2_match_context_free>> limits;
  std::string where;
};

TokenPattern::TokenPattern(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
TokenPattern::TokenPattern(TokenPattern&&) noexcept = default;
TokenPattern& TokenPattern::operator=(TokenPattern&&) noexcept = default;
TokenPattern::~TokenPattern() = default;

Result<TokenPattern> TokenPattern::read(const Json& json, const std::string& where) {
  if (json["String"].is_string()) return literal(json["String"].as_string(), where);
  if (json["Regex"].is_string()) return compile(json["Regex"].as_string(), where);
  return fail("a pattern is neither a String nor a Regex", where);
}

Result<TokenPattern> TokenPattern::compile(std::string_view pattern, const std::string& where) {
  ASSIGN_OR_RETURN(const std::string translated, translated_pattern(pattern, where));
  return compile_pcre(translated, where);
}

Result<TokenPattern> TokenPattern::literal(std::string_view text, const std::string& where) {
  if (text.empty() || text.size() > kMaxPatternBytes || !is_valid_utf8(text))
    return fail("a text to be split at is empty, too long or not UTF-8", where);
  std::string quoted;
  for (const char c : text) {
    if (is_ascii_punctuation(c)) quoted += '\\';
    quoted += c;
  }
  return compile_pcre(quoted, where);
}

Result<TokenPattern> TokenPattern::compile_pcre(const std::string& pattern, const std::string& where) {
  auto compiled = std::make_unique<Compiled>();
  int number = 0;
  PCRE2_SIZE offset = 0;
  compiled->code.reset(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT,
                    &number, &offset, nullptr));
  if (compiled->code == nullptr) {
    PCRE2_UCHAR words[160];
    pcre2_get_error_message(number, words, sizeof words);
    return fail(fmt::format("the pattern {} cannot be read: {}", printable(pattern, 100),
                            printable(reinterpret_cast<const char*>(words))),
                where, "Count with the model's GGUF instead.");
  }
  compiled->match.reset(pcre2_match_data_create(1, nullptr));
  compiled->limits.reset(pcre2_match_context_create(nullptr));
  CHECK(compiled->match != nullptr && compiled->limits != nullptr);
  pcre2_set_match_limit(compiled->limits.get(), kMatchLimit);
  pcre2_set_heap_limit(compiled->limits.get(), kHeapLimitKib);
  compiled->where = where;
  return TokenPattern(std::move(compiled));
}

// As the binding of Oniguruma that tokenizers are made with iterates: an empty match right behind another one
// is none.
Result<std::vector<TokenSpan>> TokenPattern::spans(std::string_view text) const {
  std::vector<TokenSpan> spans;
  uint64_t steps_left = kStepsOfAnyText + text.size() * kStepsOfByte;
  pcre2_set_callout(compiled_->limits.get(), count_step, &steps_left);
  size_t from = 0, previous = 0;
  bool has_previous = false;
  while (from <= text.size()) {
    const int found =
        pcre2_match(compiled_->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                    PCRE2_NO_UTF_CHECK, compiled_->match.get(), compiled_->limits.get());
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0)
      return fail(fmt::format("a pattern takes too many steps on a text of {}",
                              format_bytes(static_cast<int64_t>(text.size()))),
                  compiled_->where);
    const PCRE2_SIZE* place = pcre2_get_ovector_pointer(compiled_->match.get());
    const size_t begin = place[0], end = std::max(place[0], place[1]);
    if (begin == end && has_previous && previous == end) {
      if (from >= text.size()) break;
      from += std::max<size_t>(1, utf8_length(text.substr(from)));
      continue;
    }
    if (previous != begin) spans.push_back({previous, begin, false});
    spans.push_back({begin, end, true});
    from = previous = end;
    has_previous = true;
  }
  if (previous != text.size()) spans.push_back({previous, text.size(), false});
  return spans;
}

}  // namespace assay
