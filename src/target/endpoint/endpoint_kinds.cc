// The rows of the table of endpoint kinds, and what their writers share.
#include "target/endpoint/endpoint_kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr EndpointKind kKinds[] = {
    {RequestKind::kChat, write_chat, EndpointForm::kChunks},
    {RequestKind::kCompletions, write_completion, EndpointForm::kChunks},
    {RequestKind::kResponses, write_response, EndpointForm::kEvents},
    {RequestKind::kEmbeddings, write_embeddings, EndpointForm::kDocument, read_embeddings, embedded_texts},
    {RequestKind::kRerank, write_rerank, EndpointForm::kDocument, read_ranks, ranked_documents},
    {RequestKind::kKserve, write_tensors, EndpointForm::kDocument, read_tensors},
    {RequestKind::kJson, write_templated, EndpointForm::kDocument, read_templated},
};
static_assert(std::size(kKinds) == kRequestKinds);

}  // namespace

const EndpointKind& endpoint_kind(RequestKind kind) {
  const EndpointKind& row = kKinds[static_cast<size_t>(kind)];
  CHECK(row.kind == kind);
  return row;
}

std::string endpoint_prompt(const Request& request, double bytes_per_token) {
  std::string text;
  for (const PromptPart& part : prompt_parts(request)) {
    if (!text.empty()) text += ' ';
    text += prompt_text(request.corpus, part.seed, part.tokens, bytes_per_token);
  }
  return text;
}

Random endpoint_draw(const Request& request, const char* what, uint64_t index) {
  return Random(request.prompt_seed, random_stream(what), index);
}

std::string endpoint_request_id(RequestId id) {
  return fmt::format("assay-{}", id);
}

}  // namespace assay
