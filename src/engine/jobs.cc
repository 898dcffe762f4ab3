// The table of jobs: one row and one file each. docs/architecture.md lists them from here.
#include "engine/job.h"

namespace assay {
namespace {

constexpr const char* kServeParameters =
    "device: a ggml device's name; model: path of a GGUF; threads: 0 is one a physical core; batch_tokens: "
    "at most so many "
    "in one step; ubatch_tokens: at most so many in one graph; flash_attention: auto, on or off; kv_type: f16, q8_0 …; "
    "sequences: decoded at once; context_tokens: of one sequence; kv_tokens: of all, by default the product of the two";

constexpr Job kJobs[] = {
    {"devices", "the ggml devices of this host and the engine's version",
     "measure_speed: also a matrix multiplication of half a second on each; only: one device's name",
     run_devices_job},
    {"fit", "the memory that a model would take on a device, before it is loaded", kServeParameters,
     run_fit_job},
    {"speed", "prefill, decode and batched decode of a model on a device, repeated",
     "device, model, threads, batch_tokens, ubatch_tokens, flash_attention and kv_type as in serve; "
     "prompt_tokens, output_tokens: 0 leaves one out; sequences: list for "
     "batched decode; repetitions; time_limit_s",
     run_speed_job},
    {"serve", "continuous batching: requests come and events go as frames over descriptor 3",
     kServeParameters, run_serve_job},
    {"tokenise", "how many tokens texts have by the vocabulary of a model, whose weights are not loaded",
     "model: path of a GGUF; the texts come over stdin, as workload/text_list.h writes them. Answers: "
     "{tokenizer: {kind, vocabulary}}, then {tokens: [count, …]} in the order of the texts; spelled: of so many texts, the "
     "first ones, {text: index, token_ends: [bytes, …]} too, unless their tokens do not spell them",
     run_tokenise_job},
    {"roofline", "bandwidth, matrix multiplication, attention, launch overhead and transfer of a device",
     "device: a ggml device's name; see roofline_job.cc", run_roofline_job},
};

}  // namespace

std::span<const Job> jobs() {
  return kJobs;
}

}  // namespace assay
