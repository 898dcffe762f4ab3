// JSON pointers and conditions; see answer_check.h.
#include "workload/answer_check.h"

#include <fmt/format.h>

namespace assay {
namespace {

// A reference token with ~1 and ~0 made / and ~ again (RFC 6901 §4).
std::string unescaped(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out += token[++i] == '1' ? '/' : '~';
    } else {
      out += token[i];
    }
  }
  return out;
}

const Json* item_of(const Json& array, std::string_view token) {
  const bool has_leading_zero = token.size() > 1 && token[0] == '0';
  const std::optional<int64_t> index = parse_integer(token);
  if (!index || *index < 0 || has_leading_zero || static_cast<size_t>(*index) >= array.items().size())
    return nullptr;
  return &array.items()[static_cast<size_t>(*index)];
}

// Numbers by value: 1 and 1.0 are the same to JSON.
bool are_equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a.as_number() == b.as_number();
  return a == b;
}

std::string problem_of(const JsonCondition& condition, const Json& document) {
  const std::string place = condition.pointer.empty() ? "the document" : printable(condition.pointer, 60);
  const Json* found = json_at(document, condition.pointer);
  if (found == nullptr) return fmt::format("it has no {}", place);
  const auto shown = [&] { return printable(found->dump(), 40); };
  if (condition.equals && !are_equal(*found, *condition.equals))
    return fmt::format("{} is {}, not {}", place, shown(), printable(condition.equals->dump(), 40));
  if (!condition.minimum && !condition.maximum) return "";
  if (!found->is_number()) return fmt::format("{} is {}, which is no number", place, shown());
  const double value = found->as_number();
  if (condition.minimum && !(value >= *condition.minimum))
    return fmt::format("{} is {}, below {}", place, shown(), *condition.minimum);
  if (condition.maximum && !(value <= *condition.maximum))
    return fmt::format("{} is {}, above {}", place, shown(), *condition.maximum);
  return "";
}

}  // namespace

std::string json_pointer_problem(std::string_view pointer) {
  if (!pointer.empty() && pointer[0] != '/') return "it must begin with /";
  for (size_t at = pointer.find('~'); at != std::string_view::npos; at = pointer.find('~', at + 1)) {
    const char next = at + 1 < pointer.size() ? pointer[at + 1] : ' ';
    if (next != '0' && next != '1') return "~ is written ~0, and / within a name ~1";
  }
  return "";
}

const Json* json_at(const Json& document, std::string_view pointer) {
  const Json* at = &document;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const size_t end = pointer.find('/');
    const std::string_view token = pointer.substr(0, end);
    at = at->is_array() ? item_of(*at, token) : at->find(unescaped(token));
    if (at == nullptr) return nullptr;
    pointer = end == std::string_view::npos ? std::string_view() : pointer.substr(end);
  }
  return at;
}

std::string problem_of(const std::vector<JsonCondition>& conditions, const Json& document) {
  for (const JsonCondition& condition : conditions) {
    std::string problem = problem_of(condition, document);
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace assay
