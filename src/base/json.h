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

  // What a value is made of, copied and destroyed by is compiled in json.cc: every file that writes a
  // document would else compile it again at each member.
  Json() noexcept;  // null
  Json(std::nullptr_t) noexcept;
  Json(bool value) noexcept;
  Json(int value) noexcept;
  Json(unsigned value) noexcept;
  Json(int64_t value) noexcept;
  Json(uint64_t value) noexcept;
  Json(double value) noexcept;
  Json(const char* value);
  Json(std::string value);
  Json(std::string_view value);
  Json(Array value);
  Json(Object value);
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  static Json array();
  static Json object();

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
  Json& set(std::string_view key, Json value);
  Json& push(Json value);
  // Appends without looking for an equal key: for builders that know there is none, or leave the last one to
  // lose.
  void append_member(std::string key, Json value);

  // indent < 0: one line. Numbers print with the fewest digits that read back the same.
  std::string dump(int indent = -1) const;

  // `where` names the document in errors, which carry line and column. At most 64 levels deep.
  static Result<Json> parse(std::string_view text, std::string_view where);

  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Appends `text` (UTF-8) as the inside of a JSON string, without the quotes.
void append_json_text(std::string_view text, std::string& out);
// Appends `value` as `Json(value).dump()` has it, without a Json: for columns of millions.
void append_json_number(int64_t value, std::string& out);
void append_json_number(double value, std::string& out);

}  // namespace assay
