// Requests by a template, and answers held against what the scenario expects.
#include <fmt/format.h>

#include "target/endpoint/endpoint_kinds.h"

namespace assay {
namespace {

constexpr size_t kQuotedPatternBytes = 60;

}  // namespace

void write_templated(const EndpointParts& parts, std::string&, std::string& body) {
  const std::string prompt =
      parts.options.body.has_prompt() ? endpoint_prompt(parts.request, parts.cutter) : "";
  const std::string id = endpoint_request_id(parts.request.id);
  parts.options.body.append({.prompt = prompt, .request_id = id, .seed = parts.request.prompt_seed},
                            RequestTemplate::Escape::kJson, body);
}

void read_templated(const EndpointDocument& document, EndpointVerdict& verdict) {
  const AnswerExpectation& expect = document.options.expect;
  if (document.status != expect.status) {
    return verdict.fail(cause_of_status(document.status),
                        fmt::format("HTTP {} in place of {}: {}", document.status, expect.status,
                                    printable(trim(document.body.substr(0, 1000)), 100)));
  }
  if (expect.conditions.empty()) return;
  const Result<Json> json = Json::parse(document.body, "answer");
  if (!json) {
    return verdict.fail(FailureCause::kMalformed,
                        "an answer that is no JSON document: " +
                            printable(document.body.substr(0, 1000), kQuotedPatternBytes));
  }
  std::string problem = problem_of(expect.conditions, *json);
  if (!problem.empty())
    verdict.fail(FailureCause::kCheckFailed, printable("the answer is wrong: " + problem, 160));
}

}  // namespace assay
