// Reading them; see kit_keys.h.
#include "scenario/kit_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "os/os.h"
#include "scenario/secrets.h"

namespace assay {
namespace {

constexpr size_t kMaxKitArguments = 1000;
constexpr size_t kMaxParameters = 64;
constexpr size_t kMaxKitTextBytes = 4096;
constexpr size_t kMaxNameBytes = 60;

bool is_file_path(const std::string& text) {
  return text.find('/') != std::string::npos;
}

bool is_parameter_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Why a text may not be handed to a kit; "" if it may.
std::string fault_of_text(const std::string& text) {
  if (text.size() > kMaxKitTextBytes || text.find('\0') != std::string::npos)
    return fmt::format("is longer than {} bytes", kMaxKitTextBytes);
  const std::string secret = is_secret_option(text) ? text.substr(0, text.find('=')) : secret_of_text(text);
  if (secret.empty()) return "";
  return fmt::format(
      "holds a secret ({}), which does not belong in a scenario, since that is stored with every result; "
      "env = {{ NAME = true }} passes assay's own variable on",
      printable(secret, 40));
}

// The value as JSON; nothing if it is no scalar.
std::optional<Json> scalar_of(const TomlValue& value) {
  switch (value.kind) {
    case TomlKind::kString:
      return Json(value.text);
    case TomlKind::kBoolean:
      return Json(value.boolean);
    case TomlKind::kInteger:
      return Json(value.integer);
    case TomlKind::kDouble:
      return Json(value.number);
    default:
      return std::nullopt;
  }
}

}  // namespace

void read_kit(Reader& reader, const TomlMember& member, KitSpec& out) {
  std::string text;
  reader.read_string(member, text);
  if (text.empty()) return;
  if (!is_file_path(text)) return void(out.kit = std::move(text));  // its name is checked with the target
  out.kit = reader.resolved(text);
  if (!file_exists(out.kit))
    return reader.error(member.value.at,
                        fmt::format("there is no file {}", printable(absolute_path(out.kit))));
  // A .py runs in the Python that the scenario names.
  if (!out.kit.ends_with(".py") && !is_program(out.kit))
    reader.error(member.value.at, fmt::format("{} may not be executed: chmod +x makes it so",
                                              printable(absolute_path(out.kit))));
}

void read_python(Reader& reader, const TomlMember& member, KitSpec& out) {
  reader.read_string(member, out.python);
  if (is_file_path(out.python)) out.python = reader.resolved(out.python);
}

void read_kit_arguments(Reader& reader, const TomlMember& member, KitSpec& out) {
  const TomlValue& value = member.value;
  const bool is_list =
      value.kind == TomlKind::kArray && value.items.size() <= kMaxKitArguments &&
      std::ranges::all_of(value.items, [](const TomlValue& item) { return item.kind == TomlKind::kString; });
  if (!is_list)
    return reader.error(value.at,
                        fmt::format("arguments must be an array of {} strings at most", kMaxKitArguments));
  for (const TomlValue& item : value.items) {
    if (const std::string fault = fault_of_text(item.text); !fault.empty())
      reader.error(item.at, fmt::format("an argument {}", fault));
    out.arguments.push_back(item.text);
  }
}

void read_kit_parameters(Reader& reader, const TomlMember& member, KitSpec& out) {
  const TomlValue* table = reader.expect_table(member);
  if (table == nullptr) return;
  if (table->members.size() > kMaxParameters)
    return reader.error(table->at, fmt::format("parameters are {} at most", kMaxParameters));
  for (const TomlMember& each : table->members) {
    std::optional<Json> value = scalar_of(each.value);
    if (!is_parameter_name(each.key)) {
      reader.error(each.key_at, fmt::format("'{}' is no name of a parameter: a-z, 0-9 and _, {} at most",
                                            printable(each.key, 60), kMaxNameBytes));
    } else if (!value) {
      reader.error(each.value.at, fmt::format("{} must be a string, a number or a boolean", each.key));
    } else if (const std::string fault = fault_of_text(value->as_string()); !fault.empty()) {
      reader.error(each.value.at, fmt::format("{} {}", each.key, fault));
    } else {
      out.parameters.emplace_back(each.key, std::move(*value));
    }
  }
}

}  // namespace assay
