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

std::string endpoint_prompt(const Request& request, const PromptCutter& cutter) {
  const std::vector<PromptPart> parts = prompt_parts(request);
  const bool has_own = request.prefix_tokens < request.prompt_tokens;
  std::string text;
  int64_t excess = 0;  // tokens beyond those asked for so far
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += ' ';
    uint32_t tokens = parts[i].tokens;
    // What is shared is the same in every request; what is the request's own makes up for it.
    if (has_own && i + 1 == parts.size())
      tokens = static_cast<uint32_t>(std::max<int64_t>(1, int64_t{tokens} - excess));
    excess += cutter.append(request.corpus, parts[i].seed, tokens, i > 0, text);
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
