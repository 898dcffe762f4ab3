// The rows of the table of target kinds.
#include "scenario/target_kinds.h"

#include <fmt/format.h>

#include "http/http.h"
#include "os/os.h"
#include "scenario/reader.h"
#include "scenario/scenario.h"
#include "scenario/server_urls.h"

namespace assay {
namespace {

std::string device_name(const TargetSpec& target) {
  return target.device;
}

std::string host_and_port(const TargetSpec& target) {
  const Result<Url> url = parse_url(target.url());
  if (!url) return name_of(target.kind);
  const size_t others = target.urls.size() - 1;
  return others == 0 ? url->authority() : fmt::format("{} and {} more", url->authority(), others);
}

std::string kit_name(const TargetSpec& target) {
  return file_name(target.kit.kit);
}

std::string kind_name(const TargetSpec& target) {
  return name_of(target.kind);
}

void check_device(Reader& reader, const TomlValue& table, const TargetSpec& target) {
  if (target.sequences > kMostEngineSequences) {
    reader.error(table.at, fmt::format("sequences is {}, and the engine works on {} at once at most",
                                       target.sequences, kMostEngineSequences));
  }
  if (target.context_tokens > 0 && target.context_tokens < kLeastContextTokens) {
    reader.error(table.at, fmt::format("context_tokens is {}, and the engine needs {} at least",
                                       target.context_tokens, kLeastContextTokens));
  }
}

void check_endpoint(Reader& reader, const TomlValue& table, const TargetSpec& target) {
  check_urls(reader, table);
  if (!reader.has_or_means(table, "urls")) require_keys(reader, table, "target", {"url"});
  if (target.urls.size() > 1 && !target.stack.launch.empty()) {
    reader.error(table.at,
                 "launch starts one server, and this target has several URLs; start the servers yourself, or "
                 "give one URL");
  }
  if (!target.api_key_env.empty() && !target.api_key_file.empty()) {
    reader.error(table.at, "give api_key_env or api_key_file, not both");
  }
}

void check_kit(Reader& reader, const TomlValue& table, const TargetSpec& target) {
  require_keys(reader, table, "target", {"kit"});
  const KitRow* row = find_kit(target.kit.kit);
  if (row != nullptr || target.kit.kit.empty() || target.kit.kit.find('/') != std::string::npos) return;
  const TomlValue* value = table.find("kit");
  reader.error(
      value == nullptr ? table.at : value->at,
      fmt::format("there is no kit '{}'; there are {}, and a file is given by its path: \"./my-kit\".{}",
                  printable(target.kit.kit, 60), join(kit_names(), ", "),
                  suggestion(target.kit.kit, kit_names())));
}

constexpr TargetKindRow kTargetKindRows[] = {
    {TargetKind::kDevice, "device", "a compute device in this machine",
     "The portable engine (ggml and llama.cpp) on one device of this machine, in a worker process: continuous batching "
     "over many sequences, chunked prefill, decode first. `device = \"*\"` stands for every device that is found. The "
     "model is a GGUF file, the bundled SmolLM2-135M, or synthetic:SHAPE:TYPE.",
     "[[target]]\nkind = \"device\"\ndevice = \"CPU\"\nmodel = \"smollm2-135m\"", true, true, device_name,
     check_device},
    {TargetKind::kEndpoint, "endpoint", "a server with an OpenAI-compatible API",
     "Streams /v1/chat/completions, /v1/completions or /v1/responses over HTTP/1.1 or TLS; classes of traffic may ask it "
     "for embeddings, ranks, tensors or a request of their own, and several servers may share them (`urls`). Only hosts that the "
     "scenario names are contacted. A key comes from an environment variable or a file, never from the scenario.",
     "[[target]]\nkind = \"endpoint\"\nurl = \"http://127.0.0.1:8000/v1\"\napi = \"chat\"", false, true,
     host_and_port, check_endpoint},
    {TargetKind::kKit, "kit", "a program inside the vendor's own framework",
     "Any executable that prints evidence as JSON lines (docs/formats/kit.md): the way to the silicon where no engine has a "
     "backend. It runs in a process of its own, with limits, a scrubbed environment and nothing left behind; what it says "
     "is checked, and each number names whose kernels it is of. torch-roofline, which assay brings, measures through PyTorch "
     "on whatever device that has: cuda, musa, npu, xpu, mlu, hpu, cpu. `device` names the device that the numbers are of, so that they stand "
     "beside the engine's.",
     "[[target]]\nkind = \"kit\"\nkit = \"torch-roofline\"\npython = \"/opt/venv/bin/python3\"", false, false,
     kit_name, check_kit},
    {TargetKind::kFake, "fake", "a target with exactly known timing",
     "A server of the program's own with known service times: for trying out scenarios, and for holding the instrument "
     "itself against the truth.",
     "[[target]]\nkind = \"fake\"\ntpot_ms = 5\nprefill_us_per_token = 200", false, true, kind_name, nullptr},
};

}  // namespace

std::span<const TargetKindRow> target_kinds() {
  return kTargetKindRows;
}

const TargetKindRow& row_of(TargetKind kind) {
  const TargetKindRow& row = kTargetKindRows[static_cast<size_t>(kind)];
  CHECK(row.kind == kind);
  return row;
}

}  // namespace assay
