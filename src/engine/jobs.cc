// The table of jobs: one row and one file each. docs/architecture.md lists them from here.
#include "engine/job.h"

namespace assay {
namespace {

constexpr const char* kModelParameters =
    "device: a ggml device's name; model: path of a GGUF; threads: 0 is one a physical core; batch_tokens: at most so many "
    "a llama_decode; ubatch_tokens: at most so many a graph; flash_attention: auto, on or off; kv_type: f16, q8_0 …; ";

constexpr Job kJobs[] = {
    {"devices", "the ggml devices of this host and the engine's version",
     "measure_speed: also a matrix multiplication of half a second on each; only: one device's name", run_devices_job},
    {"fit", "the memory that a model would take on a device, before it is loaded",
     "as serve", run_fit_job},
    {"speed", "prefill, decode and batched decode of a model on a device, repeated",
     "as serve without context_tokens and sequences; prompt_tokens, output_tokens: 0 leaves one out; sequences: list for "
     "batched decode; repetitions; time_limit_s", run_speed_job},
    {"tokenize", "how many tokens texts have for a model", "model: path of a GGUF; texts: list", run_tokenize_job},
    {"serve", "continuous batching: requests come and events go as frames over descriptor 3",
     kModelParameters, run_serve_job},
    {"roofline", "bandwidth, matrix multiplication, attention, launch overhead and transfer of a device",
     "device: a ggml device's name; see roofline_job.cc", run_roofline_job},
};

}  // namespace

std::span<const Job> jobs() { return kJobs; }

}  // namespace assay
