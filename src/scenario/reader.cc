// Typed reads; see reader.h.
#include "scenario/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kMaxErrors = 20;
constexpr size_t kMaxStringBytes = 4096;
constexpr size_t kMaxItems = 1000;

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string limits(double low, double high) {
  return fmt::format("between {} and {}", low, high);  // exactly: who types a limit must not be refused
}

}  // namespace

Reader::Reader(const std::string& file, ErrorTelling tell) : file_(file), tell_(std::move(tell)) {}

void Reader::error(TomlPosition at, std::string what) {
  errors_.emplace_back(at, std::move(what));
}

Error Reader::combined_error() const {
  CHECK(!errors_.empty());
  auto sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  Error combined = told(sorted[0].first, sorted[0].second);
  for (size_t i = 1; i < std::min(sorted.size(), kMaxErrors); ++i) {
    const Error further = told(sorted[i].first, sorted[i].second);
    combined.what += fmt::format("\n{}{}{}", further.where, further.where.empty() ? "" : ": ", further.what);
  }
  if (sorted.size() > kMaxErrors) combined.what += fmt::format("\nand {} more", sorted.size() - kMaxErrors);
  return combined;
}

Error Reader::told(TomlPosition at, std::string what) const {
  Error error{std::move(what), toml_where(file_, at), "docs/scenario.md describes every key of a scenario."};
  return tell_ ? tell_(at, std::move(error)) : error;
}

void Reader::wrong_kind(const TomlMember& member, std::string_view wanted) {
  const std::string_view kind = name_of(member.value.kind);
  const bool vowel = kind == "integer" || kind == "array";
  error(member.value.at,
        fmt::format("{} must be {}, not {} {}", printable(member.key), wanted, vowel ? "an" : "a", kind));
}

void Reader::read_string(const TomlMember& member, std::string& out) {
  const TomlValue& value = member.value;
  if (value.kind != TomlKind::kString) return wrong_kind(member, "a string");
  if (value.text.empty()) return error(value.at, fmt::format("{} is empty", member.key));
  if (value.text.size() > kMaxStringBytes || has_control_characters(value.text)) {
    return error(value.at,
                 fmt::format("{} must be one line of at most {} bytes", member.key, kMaxStringBytes));
  }
  out = value.text;
}

void Reader::read_choice(const TomlMember& member, std::span<const std::string> choices, std::string& out) {
  std::string value;
  read_string(member, value);
  if (value.empty()) return;
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    return error(member.value.at,
                 fmt::format("unknown {} '{}'; it is one of {}.{}", member.key, printable(value),
                             join(choices, ", "), suggestion(value, choices)));
  }
  out = value;
}

void Reader::read_strings(const TomlMember& member, std::vector<std::string>& out) {
  const TomlValue& value = member.value;
  if (value.kind != TomlKind::kArray) return wrong_kind(member, "an array of strings");
  if (value.items.empty()) return error(value.at, fmt::format("{} is empty", member.key));
  if (value.items.size() > kMaxItems)
    return error(value.at, fmt::format("{} has too many items", member.key));
  std::vector<std::string> strings;
  for (const TomlValue& item : value.items) {
    std::string text;
    read_string({member.key, member.key_at, item}, text);
    const bool is_double = !text.empty() && std::find(strings.begin(), strings.end(), text) != strings.end();
    if (is_double) error(item.at, fmt::format("'{}' stands in {} twice", printable(text), member.key));
    if (!text.empty()) strings.push_back(std::move(text));
  }
  if (strings.size() == value.items.size()) out = std::move(strings);
}

void Reader::read_boolean(const TomlMember& member, bool& out) {
  if (member.value.kind != TomlKind::kBoolean) return wrong_kind(member, "true or false");
  out = member.value.boolean;
}

void Reader::read_number(const TomlMember& member, double low, double high, double& out) {
  const TomlValue& value = member.value;
  if (!value.is_number()) return wrong_kind(member, "a number");
  // Written so that nan fails it.
  if (!(value.number >= low && value.number <= high)) {
    return error(value.at,
                 fmt::format("{} must lie {}, but is {}", member.key, limits(low, high), value.number));
  }
  out = value.number;
}

void Reader::read_number(const TomlMember& member, double low, double high, std::optional<double>& out) {
  double value = std::nan("");
  read_number(member, low, high, value);
  if (!std::isnan(value)) out = value;
}

void Reader::read_positive(const TomlMember& member, double high, double& out) {
  const TomlValue& value = member.value;
  if (value.is_number() && !(value.number > 0)) {
    return error(value.at, fmt::format("{} must be above 0, but is {}", member.key, value.number));
  }
  read_number(member, 0, high, out);
}

bool Reader::read_int64(const TomlMember& member, int64_t low, int64_t high, int64_t& out) {
  const TomlValue& value = member.value;
  if (value.kind != TomlKind::kInteger) {
    wrong_kind(member, "a whole number");
    return false;
  }
  if (value.integer < low || value.integer > high) {
    error(value.at,
          fmt::format("{} must lie between {} and {}, but is {}", member.key, low, high, value.integer));
    return false;
  }
  out = value.integer;
  return true;
}

const TomlValue* Reader::expect_table(const TomlMember& member) {
  if (member.value.kind == TomlKind::kTable) return &member.value;
  wrong_kind(member, "a table");
  return nullptr;
}

std::vector<const TomlValue*> Reader::expect_tables(const TomlMember& member) {
  std::vector<const TomlValue*> tables;
  const TomlValue& value = member.value;
  if (value.kind == TomlKind::kTable) return {&value};
  const bool is_good = value.kind == TomlKind::kArray &&
                       std::all_of(value.items.begin(), value.items.end(),
                                   [](const TomlValue& item) { return item.kind == TomlKind::kTable; });
  if (!is_good || value.items.size() > kMaxItems) {
    error(member.key_at,
          fmt::format("{0} must be written as [[{0}]] tables, at most {1}", member.key, kMaxItems));
    return tables;
  }
  for (const TomlValue& item : value.items) tables.push_back(&item);
  return tables;
}

std::string Reader::resolved(const std::string& path) const {
  if (path.starts_with('/')) return path;
  const std::string folder = parent_directory(file_);
  return folder.empty() || folder == "." ? path : folder + "/" + path;
}

bool Reader::has_or_means(const TomlValue& table, std::string_view key) const {
  if (table.find(key) != nullptr) return true;
  return std::ranges::any_of(table.members, [&](const TomlMember& member) {
    return std::ranges::any_of(
        slips_, [&](const auto& slip) { return slip.first == member.key_at && slip.second == key; });
  });
}

void unknown_key(Reader& reader, const TomlMember& member, std::string_view table,
                 std::span<const std::string> known) {
  const std::string place = table.empty()        ? ""
                            : table == "lengths" ? " in a length"
                                                 : fmt::format(" in [{}]", table);
  if (std::optional<std::string> meant = nearest(member.key, known))
    reader.note_slip(member, std::move(*meant));
  reader.error(member.key_at, fmt::format("unknown key '{}'{}.{}", printable(member.key, 60), place,
                                          suggestion(member.key, known)));
}

void require_keys(Reader& reader, const TomlValue& table, std::string_view name,
                  std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (!reader.has_or_means(table, key))
      reader.error(table.at, fmt::format("[[{}]] needs a value for {}", name, key));
  }
}

}  // namespace assay
