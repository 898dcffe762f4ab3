// Checking and writing of flags; see flag_values.h.
#include "cli/flag_values.h"

#include <fmt/format.h>

namespace assay {

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

Result<double> number_of(const ParsedOptions& options, const char* flag, double low, double high) {
  const std::string text = options.value(flag);
  const std::optional<double> value = parse_number(text);
  if (!value || !(*value >= low && *value <= high)) {
    return fail(fmt::format("'{}' is no number from {} to {}", printable(text, 60), low, high), flag);
  }
  return *value;
}

Result<uint32_t> count_of(const ParsedOptions& options, const char* flag, uint32_t most, uint32_t least) {
  const std::string text = options.value(flag);
  const std::optional<int64_t> value = parse_integer(text);
  if (!value || *value < least || *value > most)
    return fail(fmt::format("'{}' is no whole number from {} to {}", printable(text, 60), least, most), flag);
  return static_cast<uint32_t>(*value);
}

Result<std::string> toml_value(const Json& value) {
  if (value.is_null()) return fail("null has no place in a scenario", "", "Leave the member out.");
  if (value.is_string()) return toml_string(value.as_string());
  if (value.is_array()) {
    std::string out;
    for (const Json& item : value.items()) {
      ASSIGN_OR_RETURN(const std::string text, toml_value(item));
      out += (out.empty() ? "" : ", ") + text;
    }
    return "[" + out + "]";
  }
  if (value.is_object()) {
    std::string out;
    for (const auto& [key, member] : value.members()) {
      ASSIGN_OR_RETURN(const std::string text, toml_value(member));
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", toml_string(key), text);
    }
    return out.empty() ? std::string("{}") : "{ " + out + " }";
  }
  return value.dump();  // numbers and truth values are written alike
}

}  // namespace assay
