// Reading them; see variables.h.
#include "scenario/variables.h"

#include <fmt/format.h>

#include <utility>

#include "scenario/secrets.h"

namespace assay {
namespace {

constexpr size_t kMaxVariables = 200;
constexpr size_t kMaxValueBytes = 4096;

}  // namespace

void read_variables(Reader& reader, const TomlMember& member, std::vector<StackVariable>& out) {
  const TomlValue* table = reader.expect_table(member);
  if (table == nullptr) return;
  if (table->members.size() > kMaxVariables)
    return reader.error(table->at, fmt::format("env has more than {} variables", kMaxVariables));
  for (const TomlMember& each : table->members) {
    StackVariable variable{.name = each.key};
    const bool is_name =
        !each.key.empty() && each.key.find_first_of(std::string_view("=\0", 2)) == std::string::npos;
    if (!is_name) {
      reader.error(each.key_at, fmt::format("'{}' is no name of a variable", printable(each.key, 60)));
      continue;
    }
    if (each.value.kind == TomlKind::kBoolean && each.value.boolean) {
      variable.passes_on = true;
    } else if (each.value.kind != TomlKind::kString || each.value.text.size() > kMaxValueBytes ||
               each.value.text.find('\0') != std::string::npos) {
      reader.error(each.value.at, fmt::format("{} must be a string, or true to pass assay's own value on",
                                              printable(each.key, 60)));
      continue;
    } else if (is_secret_variable(each.key)) {
      reader.error(each.value.at,
                   fmt::format("{0} looks like a secret, which does not belong in a scenario: {0} = true "
                               "passes assay's own value on, and it is never stored",
                               printable(each.key, 60)));
      continue;
    } else {
      variable.value = each.value.text;
    }
    out.push_back(std::move(variable));
  }
}

}  // namespace assay
