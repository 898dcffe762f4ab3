// The rows of the table of target kinds.
#include "target/kinds.h"

namespace assay {
namespace {

constexpr TargetKind kKinds[] = {
    {"device", "a compute device in this machine",
     "The portable engine (ggml and llama.cpp) on one device of this machine, in a worker process: continuous batching "
     "over many sequences, chunked prefill, decode first. `device = \"*\"` stands for every device that is found. The "
     "model is a GGUF file, the bundled SmolLM2-135M, or synthetic:SHAPE:TYPE.",
     "[[target]]\nkind = \"device\"\ndevice = \"CPU\"\nmodel = \"smollm2-135m\""},
    {"endpoint", "a server with an OpenAI-compatible API",
     "Streams /v1/chat/completions or /v1/completions over HTTP/1.1 or TLS. Only the host that the scenario names is "
     "contacted. A key comes from an environment variable or a file, never from the scenario.",
     "[[target]]\nkind = \"endpoint\"\nurl = \"http://127.0.0.1:8000/v1\"\napi = \"chat\""},
    {"fake", "a target with exactly known timing",
     "A server of the program's own with known service times: for trying out scenarios, and for holding the instrument "
     "itself against the truth.",
     "[[target]]\nkind = \"fake\"\ntpot_ms = 5\nprefill_us_per_token = 200"},
};

}  // namespace

std::span<const TargetKind> target_kinds() {
  return kKinds;
}

}  // namespace assay
