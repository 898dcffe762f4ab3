// One row a flag; see foreign_flags.h.
#include "cli/foreign_flags.h"

namespace assay {
namespace {

constexpr const char* kUrlAdvice = "The server's URL stands by itself: assay load http://127.0.0.1:8000.";
constexpr const char* kKeptAdvice =
    "All is kept in --out DIR; --export vllm=FILE writes that tool's own form.";
constexpr const char* kAllToldAdvice =
    "Every latency is told with the percentiles that its samples support; --json has them.";

constexpr const char* kUsersAdvice =
    "It is --max-concurrency here: alone, so many users who each ask again when they have their answer.";

constexpr ForeignFlag kForeignFlags[] = {
    {"--random-input-len", "It is --input-len here."},
    {"--random-output-len", "It is --output-len here."},
    {"--random-range-ratio", "--input-len MIN:MAX and --output-len MIN:MAX say the range."},
    {"--base-url", kUrlAdvice},
    {"--host", kUrlAdvice},
    {"--port", kUrlAdvice},
    {"--target", kUrlAdvice},
    {"--url", kUrlAdvice},
    {"--ignore-eos", "It is asked for wherever the server takes it."},
    {"--save-result", kKeptAdvice},
    {"--save-detailed", "--samples FILE writes a line a request."},
    {"--result-dir", kKeptAdvice},
    {"--result-filename", kKeptAdvice},
    {"--output-path", kKeptAdvice},
    {"--percentile-metrics", kAllToldAdvice},
    {"--metric-percentiles", kAllToldAdvice},
    {"--concurrency", kUsersAdvice},
    {"--vus", kUsersAdvice},
    {"--rate", "It is --request-rate here."},
    {"--rate-type", "--request-rate, --burstiness, --max-concurrency and --sweep say how requests come."},
    {"--max-requests", "It is --num-prompts here."},
    {"--request-count", "It is --num-prompts here."},
    {"--max-seconds", "It is --duration here."},
};

}  // namespace

std::span<const ForeignFlag> foreign_load_flags() {
  return kForeignFlags;
}

}  // namespace assay
