// TomlValue: a TOML document as a value that knows where each key and value stands, for messages that point
// into the file. The parser behind it is toml++, which only toml.cc sees.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay {

// 1-based; columns count code points. 0: unknown.
struct TomlPosition {
  uint32_t line = 0;
  uint32_t column = 0;

  bool operator==(const TomlPosition&) const = default;
};

enum class TomlKind { kString, kInteger, kDouble, kBoolean, kDate, kArray, kTable };
std::string_view name_of(TomlKind);  // "string"

struct TomlMember;

// A value with value semantics. Which member counts is told by `kind`; a date keeps only its text.
struct TomlValue {
  TomlKind kind = TomlKind::kTable;
  TomlPosition at;
  std::string text;  // of a string or date
  int64_t integer = 0;
  double number = 0;  // of an integer too
  bool boolean = false;
  std::vector<TomlValue> items;     // of an array
  std::vector<TomlMember> members;  // of a table, in file order

  bool is_number() const { return kind == TomlKind::kInteger || kind == TomlKind::kDouble; }
  const TomlValue* find(std::string_view key) const;  // null if absent or not a table
};

struct TomlMember {
  std::string key;
  TomlPosition key_at;
  TomlValue value;
};

// What a document may be: larger or deeper ones are refused before they are parsed.
inline constexpr size_t kMaxTomlBytes = 1 << 20;
inline constexpr int kMaxTomlDepth = 32;     // of brackets
inline constexpr int kMaxTomlKeyParts = 16;  // of one dotted key

// The document as a table. `where` names it in errors, which read "where:line:column".
Result<TomlValue> parse_toml(std::string_view text, std::string_view where);

// "file.toml:3:7", or the bare file where the position is unknown.
std::string toml_where(std::string_view file, TomlPosition at);

}  // namespace assay
