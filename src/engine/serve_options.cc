// Reading of the parameters of serving.
#include "engine/serve_options.h"

#include <algorithm>

namespace assay {
namespace {

constexpr int64_t kMostSequences = 256;  // llama.cpp tells no more apart in one context
static_assert(kMostEngineSequences <= kMostSequences - 8);
constexpr int64_t kPrefixes = 8;
constexpr int64_t kMostCells = INT32_MAX / 2;

}  // namespace

Result<ServeOptions> read_serve_options(const JobContext& context) {
  ServeOptions options;
  ASSIGN_OR_RETURN(options.model, read_model_options(context));
  ASSIGN_OR_RETURN(const int64_t running, context.integer("sequences", 16, 1, kMostSequences - kPrefixes));
  ASSIGN_OR_RETURN(const int64_t context_tokens,
                   context.integer("context_tokens", 2048, kLeastContextTokens, 1 << 24));
  const int64_t all = std::min(running * context_tokens, kMostCells);
  ASSIGN_OR_RETURN(const int64_t kv_tokens, context.integer("kv_tokens", all, context_tokens, kMostCells));
  // A session that rests keeps a sequence; as many may rest as work, as far as llama.cpp goes.
  const int64_t sequences = std::min(2 * running, kMostSequences - kPrefixes);
  options.model.kv_tokens = static_cast<uint32_t>(kv_tokens);
  options.model.sequences = static_cast<uint32_t>(sequences + kPrefixes);
  options.model.batch_tokens = std::max(options.model.batch_tokens, static_cast<uint32_t>(running));
  options.limits = {.kv_tokens = static_cast<uint32_t>(kv_tokens),
                    .context_tokens = static_cast<uint32_t>(context_tokens),
                    .running = static_cast<uint32_t>(running),
                    .sequences = static_cast<uint32_t>(sequences),
                    .prefixes = static_cast<uint32_t>(kPrefixes),
                    .batch_tokens = options.model.batch_tokens};
  return options;
}

}  // namespace assay
