// TOML over toml++: a look over the text first, which bounds its nesting (toml++ recurses over dotted keys
// without a limit), then the parse, then a copy into our own type with the members back in file order.
#include "base/toml.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <utility>

#include "base/text.h"

namespace assay {
namespace {

// Walks over a document as far as is needed to tell brackets and dots of keys from those in strings and
// comments. Where the document is not TOML the walk may go astray, but only behind the place where the parser
// stops.
class NestingCheck {
 public:
  explicit NestingCheck(std::string_view text) : text_(text) {}

  // Why the document is refused, with the position in `at`; "" if it is not.
  std::string problem(TomlPosition& at) {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '#') {
        position_ = std::min(text_.find('\n', position_), text_.size());
        continue;
      }
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      count(c);
      if (depth_ > kMaxTomlDepth || dots_ >= kMaxTomlKeyParts) {
        at = place_of(position_);
        return depth_ > kMaxTomlDepth ? fmt::format("nested deeper than {} levels", kMaxTomlDepth)
                                      : fmt::format("a key with more than {} parts", kMaxTomlKeyParts);
      }
      ++position_;
    }
    return "";
  }

  // Where the first string begins that has no end on its line, or at all; nothing if there is none.
  std::optional<TomlPosition> unclosed_string() const { return unclosed_; }

 private:
  void count(char c) {
    if (c == '[' || c == '{') ++depth_;
    if (c == ']' || c == '}') depth_ = std::max(0, depth_ - 1);
    if (c == '.') ++dots_;
    if (c == '\n' || c == ',' || c == '=' || c == '[' || c == ']' || c == '{' || c == '}') dots_ = 0;
  }

  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool multiline = text_.substr(position_).starts_with(triple);
    const size_t begin = position_;
    position_ += multiline ? 3 : 1;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '\\' && quote == '"') {
        position_ += 2;
      } else if (c == '\n' && !multiline) {
        if (!unclosed_) unclosed_ = place_of(begin);
        return;
      } else if (c == quote && !multiline) {
        ++position_;
        return;
      } else if (multiline && text_.substr(position_).starts_with(triple)) {
        position_ += 3;
        // Up to two quotes may stand inside, right before the closing three.
        while (position_ < text_.size() && text_[position_] == quote) ++position_;
        return;
      } else {
        ++position_;
      }
    }
    position_ = text_.size();
    if (!unclosed_) unclosed_ = place_of(begin);
  }

  TomlPosition place_of(size_t position) const {
    const std::string_view before = text_.substr(0, position);
    const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    // Code points: every byte but those that continue one.
    const auto columns =
        std::count_if(before.begin() + static_cast<ptrdiff_t>(line_start), before.end(),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
    return {static_cast<uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
            static_cast<uint32_t>(1 + columns)};
  }

  std::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
  int dots_ = 0;
  std::optional<TomlPosition> unclosed_;
};

bool is_before(TomlPosition a, TomlPosition b) {
  return std::pair(a.line, a.column) < std::pair(b.line, b.column);
}

// The text at a place up to the end of its line, without a comment.
std::string_view rest_of_line(std::string_view text, TomlPosition at) {
  for (uint32_t line = 1; line < at.line && !text.empty(); ++line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text = text.substr(0, text.find('\n'));
  for (uint32_t column = 1; column < at.column && !text.empty(); ++column)
    text.remove_prefix(std::max<size_t>(1, utf8_length(text)));
  return trim(text.substr(0, text.find('#')));
}

// A word where a value should stand: what somebody writes who forgets the quotes, or writes True.
bool is_bare_word(std::string_view value) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  return !value.empty() && is_letter(value.front());
}

// What the parser complains of, in the words of somebody who wrote a scenario. `at` moves to where the fault
// is, if that is not where the parser saw it.
std::string fault_of(std::string_view text, std::string_view description,
                     std::optional<TomlPosition> unclosed, TomlPosition& at) {
  if (unclosed && !is_before(at, *unclosed)) {
    at = *unclosed;
    return "the string that begins here has no quote at its end";
  }
  const std::string_view line = rest_of_line(text, {at.line, 1});
  const std::string_view rest = rest_of_line(text, at);
  const std::string_view before = trim(line.substr(0, line.size() - std::min(rest.size(), line.size())));
  const bool is_value = before.ends_with('=') || before.ends_with('[') || before.ends_with(',');
  if (is_value && is_bare_word(rest)) {
    const std::string_view word = rest.substr(0, rest.find_first_of(",]}"));
    return fmt::format("'{}' is no value: a string stands in \"quotes\", true and false are written so",
                       printable(word, 60));
  }
  // "Error while parsing key-value pair: expected '=', saw 'x'": what it was about to read tells nobody
  // anything.
  constexpr std::string_view kBefore = "Error while parsing ";
  const size_t colon = description.find(": ");
  const bool has_before = description.starts_with(kBefore) && colon != std::string_view::npos;
  return printable(has_before ? description.substr(colon + 2) : description, 400);
}

TomlPosition position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

template <class T>
std::string printed(const T& date) {
  std::ostringstream out;
  out << date;
  return out.str();
}

TomlValue converted(const toml::node& node);

TomlValue converted_table(const toml::table& table) {
  TomlValue value;
  for (const auto& [key, member] : table) {
    value.members.push_back({std::string(key.str()), position_of(key.source()), converted(member)});
  }
  // toml++ sorts by name; the file's order is the one its author thinks in.
  std::stable_sort(value.members.begin(), value.members.end(), [](const TomlMember& a, const TomlMember& b) {
    return std::pair(a.key_at.line, a.key_at.column) < std::pair(b.key_at.line, b.key_at.column);
  });
  return value;
}

TomlValue converted_scalar(const toml::node& node) {
  TomlValue value;
  if (const auto* text = node.as_string()) {
    value.kind = TomlKind::kString;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlKind::kInteger;
    value.integer = integer->get();
    value.number = static_cast<double>(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = TomlKind::kDouble;
    value.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = TomlKind::kBoolean;
    value.boolean = boolean->get();
  } else {
    value.kind = TomlKind::kDate;
    node.visit([&](const auto& date) {
      if constexpr (toml::is_date<decltype(date)> || toml::is_time<decltype(date)> ||
                    toml::is_date_time<decltype(date)>) {
        value.text = printed(date.get());
      }
    });
  }
  return value;
}

TomlValue converted(const toml::node& node) {
  TomlValue value;
  if (const auto* table = node.as_table()) {
    value = converted_table(*table);
  } else if (const auto* array = node.as_array()) {
    value.kind = TomlKind::kArray;
    for (const toml::node& item : *array) value.items.push_back(converted(item));
  } else {
    value = converted_scalar(node);
  }
  value.at = position_of(node.source());
  return value;
}

}  // namespace

std::string_view name_of(TomlKind kind) {
  constexpr std::array<std::string_view, 7> kNames = {"string", "integer", "number", "boolean",
                                                      "date",   "array",   "table"};
  return kNames[static_cast<size_t>(kind)];
}

const TomlValue* TomlValue::find(std::string_view key) const {
  for (const TomlMember& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string toml_where(std::string_view file, TomlPosition at) {
  return at.line == 0 ? std::string(file) : fmt::format("{}:{}:{}", file, at.line, at.column);
}

Result<TomlValue> parse_toml(std::string_view text, std::string_view where) {
  if (text.size() > kMaxTomlBytes) {
    return fail(fmt::format("is larger than the {} that a TOML file may have",
                            format_bytes(static_cast<int64_t>(kMaxTomlBytes))),
                std::string(where));
  }
  TomlPosition at;
  NestingCheck nesting(text);
  if (const std::string problem = nesting.problem(at); !problem.empty()) {
    return fail(problem, toml_where(where, at), "No file that assay reads needs this.");
  }
  try {
    return converted(toml::parse(text));
  } catch (const toml::parse_error& error) {
    TomlPosition fault_at = position_of(error.source());
    const std::string fault = fault_of(text, error.description(), nesting.unclosed_string(), fault_at);
    return fail("not TOML: " + fault, toml_where(where, fault_at),
                "Strings stand in quotes, [table] on a line of its own, key = value on one line; see "
                "https://toml.io.");
  }
}

}  // namespace assay
