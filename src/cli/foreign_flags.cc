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

constexpr const char* kRampAdvice =
    "A ramp is the rate_curve of a scenario; --sweep rate=1,2,4 holds each of several rates.";

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
    {"--metadata", "--stack KEY=TEXT says what serves, and notes=TEXT the rest; every result carries it."},
    {"--num-warmups",
     "The server is warmed up unasked; what comes before the steady window is in no latency."},
    {"--ready-check-timeout-sec",
     "The server must be up; one that assay starts, by its command at the end, is waited for."},
    {"--request-id-prefix", "Each request has an id of its own (assay-17), which --samples FILE tells."},
    {"--ramp-up-strategy", kRampAdvice},
    {"--ramp-up-start-rps", kRampAdvice},
    {"--ramp-up-end-rps", kRampAdvice},
    {"--profile", "No profiler is started in the server: start it there, and then the load."},
    {"--trust-remote-code", "Nothing of the model is run here; --tokenizer PATH reads files alone."},
    {"--disable-tqdm", "The moving display is for terminals only: 2>FILE makes plain lines of it."},
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
