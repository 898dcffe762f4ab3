// Rerank: a query and documents in, a score for each document out, as Cohere, Jina and vLLM serve it.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "target/endpoint/endpoint_kinds.h"
#include "target/endpoint/json_walk.h"

namespace assay {
namespace {

constexpr size_t kQuotedRankBytes = 60;

void read_result(WalkedJson& result, std::vector<bool>& seen, EndpointVerdict& verdict) {
  std::optional<int64_t> index;
  std::optional<double> score;
  result.each_member([&](std::string_view key, WalkedJson& value) {
    if (key == "index") index = value.integer();
    if (key == "relevance_score") score = value.number();
  });
  if (!index || *index < 0 || static_cast<size_t>(*index) >= seen.size()) {
    verdict.fail(FailureCause::kCheckFailed,
                 index ? fmt::format("the index {} of {} documents", *index, seen.size())
                       : std::string("a result has no index"));
    return;
  }
  if (seen[static_cast<size_t>(*index)])
    verdict.fail(FailureCause::kCheckFailed, fmt::format("two results for document {}", *index));
  seen[static_cast<size_t>(*index)] = true;
  if (!score) verdict.fail(FailureCause::kCheckFailed, "a result has no finite relevance_score");
}

}  // namespace

uint32_t ranked_documents(const Request& request, const RequestOptions& options) {
  Random random = endpoint_draw(request, "documents");
  return options.documents.draw(random);
}

void write_rerank(const EndpointParts& parts, std::string&, std::string& body) {
  const Request& request = parts.request;
  const uint32_t documents = ranked_documents(request, parts.options);
  body += R"({"model":")";
  body += parts.model;
  body += R"(","query":")";
  append_json_text(endpoint_prompt(request, parts.cutter), body);
  body += R"(","documents":[)";
  for (uint32_t i = 0; i < documents; ++i) {
    Random length = endpoint_draw(request, "document tokens", i);
    Random text = endpoint_draw(request, "document text", i);
    body += i == 0 ? "\"" : ",\"";
    append_json_text(
        parts.cutter.text(request.corpus, text.next(), parts.options.document_tokens.draw(length)), body);
    body += '"';
  }
  body += ']';
  body += parts.parameters;
  body += '}';
}

void read_ranks(const EndpointDocument& document, EndpointVerdict& verdict) {
  std::vector<bool> seen(document.items);
  uint64_t results = 0;
  bool has_results = false;
  const bool is_read = JsonWalk().walk(document.body, [&](std::string_view key, WalkedJson& value) {
    if (key == "results") {
      has_results = value.type() == JsonType::kArray;
      value.each_item([&](std::string_view, WalkedJson& result) {
        ++results;
        read_result(result, seen, verdict);
      });
    } else if (key == "usage") {
      value.each_member([&](std::string_view name, WalkedJson& count) {
        // Jina and vLLM tell the total only; it is all prompt.
        if (name == "prompt_tokens" || (name == "total_tokens" && verdict.prompt_tokens == 0))
          verdict.prompt_tokens =
              static_cast<uint32_t>(std::clamp<int64_t>(count.integer().value_or(0), 0, UINT32_MAX));
      });
    }
  });
  if (!is_read) {
    verdict.cause = FailureCause::kNone;
    verdict.fail(FailureCause::kMalformed, "an answer that is no JSON document: " +
                                               printable(document.body.substr(0, 1000), kQuotedRankBytes));
  }
  if (!has_results) verdict.fail(FailureCause::kCheckFailed, "the answer has no results");
  const int64_t most = document.options.parameters["top_n"].as_integer(document.items);
  const auto wanted = static_cast<uint64_t>(std::clamp<int64_t>(most, 0, document.items));
  if (results != wanted)
    verdict.fail(FailureCause::kCheckFailed,
                 fmt::format("{} results for {} documents", results, document.items));
}

}  // namespace assay
