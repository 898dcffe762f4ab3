// Json: a JSON document as a value. The parser behind it is nlohmann-json, which only json.cc sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace assay {

// A value with value semantics. Objects keep the order in which members were added. Integers and doubles are
// told apart, and int64 passes through unharmed. Non-finite doubles are written as null, since JSON has no
// word for them.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(unsigned value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(uint64_t value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Reading never fails: a value of another kind reads as the default.
  bool as_bool(bool otherwise = false) const;
  int64_t as_integer(int64_t otherwise = 0) const;
  double as_number(double otherwise = 0) const;
  const std::string& as_string() const;                // "" if not a string
  const Array& items() const;                          // empty if not an array
  const Object& members() const;                       // empty if not an object
  const Json* find(std::string_view key) const;        // null if absent or not an object
  const Json& operator[](std::string_view key) const;  // a null Json if absent

  // Writing. `set` replaces or appends a member; `push` appends an item. A null value becomes an object or an
  // array.
  Json& set(std::string key, Json value);
  Json& push(Json value);
  // Appends without looking for an equal key: for builders that know there is none, or leave the last one to
  // lose.
  void append_member(std::string key, Json value);

  // indent < 0: one line. Numbers print with the fewest digits that read back the same.
  std::string dump(int indent = -1) const;

  // `where` names the document in errors, which carry line and column. At most 64 levels deep.
  static Result<Json> parse(std::string_view text, std::string_view where);

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Appends `text` (UTF-8) as the inside of a JSON string, without the quotes.
void append_json_text(std::string_view text, std::string& out);

}  // namespace assay
