// AnswerExpectation: what the answer to a templated request must be: its status, and what a JSON document
// holds at given places.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// One place of a document, by its JSON pointer (RFC 6901). It must exist; what else is set must hold.
struct JsonCondition {
  std::string pointer;  // "/outputs/0/score"; "": the whole document
  std::optional<Json> equals;
  std::optional<double> minimum, maximum;  // of a number, both included

  bool operator==(const JsonCondition&) const = default;
};

struct AnswerExpectation {
  int status = 200;
  std::vector<JsonCondition> conditions;  // any: the answer must be one JSON document

  bool operator==(const AnswerExpectation&) const = default;
};

// What is wrong with a pointer ("it must begin with /"), or "".
std::string json_pointer_problem(std::string_view pointer);
// The value at `pointer`, or null where there is none.
const Json* json_at(const Json& document, std::string_view pointer);
// Which condition the document fails and how, in words that repeat at most a few bytes of it; or "".
std::string problem_of(const std::vector<JsonCondition>& conditions, const Json& document);

}  // namespace assay
