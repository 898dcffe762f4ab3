// The rows of the table of request kinds.
#include "workload/request_kinds.h"

#include "base/base.h"

namespace assay {
namespace {

constexpr RequestKindRow kRequestKindRows[] = {
    {RequestKind::kChat, "chat", "a chat completion", "/chat/completions", true, true, true,
     "OpenAI's chat completions, streamed; later turns of a session carry the earlier ones."},
    {RequestKind::kCompletions, "completions", "a text completion", "/completions", true, true, true,
     "OpenAI's completions, streamed."},
    {RequestKind::kResponses, "responses", "a response of OpenAI's newer interface", "/responses", true, true,
     true,
     "OpenAI's responses, streamed: response.output_text.delta events up to response.completed with its usage."},
    {RequestKind::kEmbeddings, "embeddings", "vectors for texts", "/embeddings", false, false, true,
     "`inputs` texts of `prompt_tokens` each. Checked: one embedding a text, each a non-empty array of finite numbers "
     "or base64, all of one length."},
    {RequestKind::kRerank, "rerank", "documents ranked by a query", "/rerank", false, false, true,
     "A query of `prompt_tokens` and `documents` documents of `document_tokens` each, as Cohere, Jina and vLLM serve it. "
     "Checked: one result a document, each index once, finite scores."},
    {RequestKind::kKserve, "kserve", "tensors by the Open Inference Protocol (v2)",
     "/v2/models/{model}/infer", false, false, false,
     "POST /v2/models/NAME/infer of KServe, Triton and others, with JSON tensors: those of `tensors`, or what the model's "
     "metadata ask for. Checked: at least one output, each with as much data as its shape says."},
    {RequestKind::kJson, "json", "a request by a template of your own", "", false, false, false,
     "Any HTTP interface: `method`, `path` and `body` with placeholders, and `expect`, which says what the answer must "
     "hold."},
};
static_assert(std::size(kRequestKindRows) == kRequestKinds);

}  // namespace

std::span<const RequestKindRow> request_kinds() {
  return kRequestKindRows;
}

const RequestKindRow& row_of(RequestKind kind) {
  const RequestKindRow& row = kRequestKindRows[static_cast<size_t>(kind)];
  CHECK(row.kind == kind);
  return row;
}

const RequestKindRow* find_request_kind(std::string_view name) {
  for (const RequestKindRow& row : kRequestKindRows) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

std::vector<std::string> request_kind_names() {
  std::vector<std::string> names;
  for (const RequestKindRow& row : kRequestKindRows) names.emplace_back(row.name);
  return names;
}

}  // namespace assay
