// Rows and a sentence from a subject's details; see stack.h.
#include "report/stack.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/values.h"

namespace assay {
namespace {

constexpr std::string_view kDeclared = "stack_", kTold = "server_";

std::string text_of(const Subject& subject, std::string_view key) {
  const Json* value = subject.details.find(key);
  return value == nullptr ? "" : scalar_text(*value);
}

bool is_declared(const Subject& subject) {
  return std::ranges::any_of(subject.details.members(),
                             [](const auto& member) { return member.first.starts_with(kDeclared); });
}

// "tuned by the vendor for 2 h"; "" where nobody says who or how long.
std::string tuning(const Subject& subject) {
  const std::string by = text_of(subject, "stack_tuned_by");
  const Json& hours = subject.details["stack_tuned_for_h"];
  if (by.empty() && !hours.is_number()) return "";
  return "tuned" + (by.empty() ? "" : " by " + by) +
         (hours.is_number() ? fmt::format(" for {:g} h", hours.as_number()) : "");
}

}  // namespace

std::vector<StackRow> stack_rows(const Subject& subject) {
  std::vector<StackRow> rows;
  if (subject.kind != "endpoint") return rows;
  const auto add = [&](std::string_view name) {
    const auto is_it = [&](const StackRow& row) { return row.name == name; };
    if (std::ranges::any_of(rows, is_it)) return;
    StackRow row{.name = std::string(name),
                 .declared = text_of(subject, fmt::format("{}{}", kDeclared, name)),
                 .told = text_of(subject, fmt::format("{}{}", kTold, name))};
    if (!row.declared.empty() || !row.told.empty()) rows.push_back(std::move(row));
  };
  for (const char* name : {"engine", "version"}) add(name);
  for (const std::string_view prefix : {kDeclared, kTold}) {
    for (const auto& [key, value] : subject.details.members()) {
      if (key.starts_with(prefix)) add(std::string_view(key).substr(prefix.size()));
    }
  }
  return rows;
}

std::string stack_sentence(const Subject& subject) {
  if (subject.kind != "endpoint") return "";
  const auto joined = [&](std::initializer_list<const char*> keys, const char* separator) {
    std::string out;
    for (const char* key : keys) {
      const std::string text = text_of(subject, key);
      if (!text.empty()) out += (out.empty() ? "" : separator) + text;
    }
    return out;
  };
  if (!is_declared(subject)) {
    const std::string told = joined({"server_engine", "server_version"}, " ");
    return told.empty() ? "stack undeclared" : "stack undeclared; the server calls itself " + told;
  }
  std::string out = joined({"stack_engine", "stack_version"}, " ");
  for (const char* key : {"stack_quantisation", "stack_parallelism", "stack_kv_type", "stack_flags",
                          "stack_image", "stack_command", "stack_launch"}) {
    const std::string text = text_of(subject, key);
    if (text.empty()) continue;
    const bool is_command =
        std::string_view(key) == "stack_command" || std::string_view(key) == "stack_launch";
    const std::string part = std::string_view(key) == "stack_kv_type" ? "KV " + text
                             : is_command                             ? "`" + text + "`"
                                                                      : text;
    out += (out.empty() ? "" : ", ") + part;
  }
  out = out.empty() ? "stack declared without engine, version or command" : "stack: " + out;
  // Last: where a line has no room for all, this goes first.
  const std::string tuned = tuning(subject);
  return tuned.empty() ? out : out + ", " + tuned;
}

}  // namespace assay
