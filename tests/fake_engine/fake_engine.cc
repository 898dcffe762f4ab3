// run_worker of the fake engine: the same jobs and lines as the real one, with fixed numbers.
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "engine/engine.h"
#include "engine/job.h"
#include "fake_engine/fake_serving.h"
#include "fake_engine/misbehaviour.h"
#include "os/os.h"
#include "workload/workload.h"

namespace assay {
namespace {

struct FakeDevice {
  const char* name;
  const char* description;
  const char* type;
  double gflop_per_s;
  double gb_per_s;
  int64_t memory_bytes;
};

constexpr FakeDevice kDevices[] = {
    {"CPU", "a fake device", "cpu", 100, 20, int64_t{16} << 30},
    {"Fake0", "a fake device", "gpu", 2000, 400, int64_t{8} << 30},
    {"CUDA0", "NVIDIA A100-SXM4-40GB", "gpu", 250'000, 1328, (int64_t{40} << 30) - (int64_t{600} << 20)},
    {"CUDA1", "Iluvatar BI-V150", "gpu", 95'000, 590, (int64_t{32} << 30) - (int64_t{200} << 20)},
};

// Only with a folder of backends that is called so are there devices that call themselves by a chip's name.
bool is_there(const FakeDevice& device) {
  if (!std::string_view(device.name).starts_with("CUDA")) return true;
  for (const auto& [name, value] : environment_subset({"ASSAY_BACKEND_PATH"})) {
    if (value == "fake-chips") return true;
  }
  return false;
}

const FakeDevice& device_named(const std::string& name) {
  for (const FakeDevice& device : kDevices) {
    if (name == device.name) return device;
  }
  return kDevices[0];
}

void say_garbage() {
  constexpr std::string_view kGarbage = "this is no JSON\n";
  [[maybe_unused]] const ssize_t n = ::write(1, kGarbage.data(), kGarbage.size());
}

struct FakeJob {
  const Json& parameters;
  JsonLines& out;
  Misbehaviour& misbehaviour;

  const FakeDevice& device() const { return device_named(parameters["device"].as_string()); }

  // One record after a misbehaviour's chance to strike. Samples lie evenly about the value.
  void record(const char* metric, double value, const char* unit, Json conditions) {
    misbehaviour.on_work();
    while (misbehaviour.is_hung()) ::pause();
    if (misbehaviour.is_garbage()) say_garbage();
    MeasuredRecord record{.metric = metric, .value = value, .unit = unit, .method = "fixed"};
    record.conditions = Json::object().set("device", device().name).set("threads", 1);
    for (const auto& [name, member] : conditions.members()) record.conditions.set(name, member);
    record.samples = {value * 0.99, value, value * 1.01};
    record.ci_low = value * 0.99;
    record.ci_high = value * 1.01;
    record.confidence = 0.95;
    out.record(record);
  }
};

int devices(FakeJob& job) {
  Json engine = Json::object().set("version", "fake").set("ggml_version", "fake").set("library", "none");
  job.out.info(Json::object().set("engine", engine.set("system_info", "fake")));
  for (const FakeDevice& device : kDevices) {
    if (!is_there(device)) continue;
    Json json = Json::object()
                    .set("name", device.name)
                    .set("description", device.description)
                    .set("type", device.type);
    json.set("backend", "Fake")
        .set("memory_bytes", device.memory_bytes)
        .set("memory_free_bytes", device.memory_bytes);
    if (job.parameters["measure_speed"].as_bool()) {
      json.set("matmul_gflop_per_s", device.gflop_per_s).set("matmul_dtype", "f16");
    }
    job.out.info(Json::object().set("device", std::move(json)));
  }
  return 0;
}

int fit(FakeJob& job) {
  const int64_t tenth = job.misbehaviour.is_too_large() ? int64_t{2} << 30 : 100'000;
  const int64_t total = 10 * tenth;
  Json info =
      Json::object().set("model", "fake").set("model_memory_bytes", total).set("weights_bytes", 7 * tenth);
  info.set("kv_bytes", 2 * tenth).set("compute_bytes", tenth);
  info.set("device_free_bytes", job.device().memory_bytes)
      .set("device_total_bytes", job.device().memory_bytes);
  job.out.info(Json::object().set("fit", info.set("fits", total <= job.device().memory_bytes)));
  return 0;
}

int speed(FakeJob& job) {
  const double scale = job.device().gb_per_s;
  job.record("model_load_s", 0.001, "s", {});
  job.record("model_memory_bytes", 1'000'000, "bytes", {});
  job.out.info(Json::object().set("model", Json::object().set("model", "fake").set("quantisation", "none")));
  job.record("prefill_tokens_per_s", 50 * scale, "tokens/s", Json::object().set("prompt_tokens", 512));
  job.out.progress(0.5, "prefill_tokens_per_s");
  job.record("decode_tokens_per_s", 10 * scale, "tokens/s", Json::object().set("output_tokens", 64));
  for (const Json& n : job.parameters["sequences"].items()) {
    job.record("batched_decode_tokens_per_s", (5 + 5 * n.as_number()) * scale, "tokens/s",
               Json::object().set("sequences", n));
  }
  job.out.progress(1, "done");
  return 0;
}

int roofline(FakeJob& job) {
  const FakeDevice& device = job.device();
  const auto bandwidth = [&](const char* kernel, double flop_per_byte, int64_t bytes, double share,
                             bool best) {
    Json conditions = Json::object().set("kernel", kernel).set("size_bytes", bytes).set("memory", "ram");
    conditions.set("kernels_of", "ggml").set("flop_per_byte", flop_per_byte);
    if (best) conditions.set("best", true);
    job.record("memory_bandwidth_gb_per_s", share * device.gb_per_s, "GB/s", std::move(conditions));
  };
  bandwidth("copy", 0, 1 << 24, 0.8, false);
  bandwidth("copy", 0, 1 << 28, 1, true);
  bandwidth("triad", 2.0 / 12, 1 << 28, 0.95, true);
  job.out.progress(0.3, "memory_bandwidth_gb_per_s");
  for (const char* dtype : {"f32", "f16", "q4_0"}) {
    for (const int size : {512, 2048}) {
      Json conditions = Json::object().set("dtype", dtype).set("m", size).set("n", size).set("k", size);
      conditions.set("kernels_of", "ggml").set("kernel", "matmul").set("flop_per_byte", size / 6.0);
      if (size == 2048) conditions.set("best", true);
      job.record("matmul_tflop_per_s", device.gflop_per_s / 1000 * (size == 2048 ? 1 : 0.7), "TFLOP/s",
                 std::move(conditions));
    }
  }
  Json attention =
      Json::object().set("dtype", "f16").set("heads", 32).set("head_size", 128).set("queries", 512);
  attention.set("keys", 512).set("kernel", "attention").set("flop_per_byte", 64.0);
  job.record("attention_tflop_per_s", device.gflop_per_s / 2000, "TFLOP/s", std::move(attention));
  job.record("launch_overhead_us", 5, "µs", {});
  job.record("host_to_device_gb_per_s", 10, "GB/s", Json::object().set("size_bytes", 1 << 26));
  job.record("device_to_host_gb_per_s", 9, "GB/s", Json::object().set("size_bytes", 1 << 26));
  job.out.progress(1, "done");
  return 0;
}

// A token a byte.
int tokenise(FakeJob& job) {
  const auto list = read_all(0, "stdin", kMaxTextListBytes);
  const auto texts = list ? read_text_list(*list) : std::unexpected(list.error());
  if (!texts) return job.out.error(texts.error()), 1;
  job.misbehaviour.on_work();
  job.out.info(Json::object().set("tokenizer", Json::object().set("kind", "fake").set("vocabulary", 256)));
  for (int64_t i = 0; i < job.parameters["spelled"].as_integer(); ++i) {
    const size_t size = (*texts)[static_cast<size_t>(i)].size();
    Json ends = Json::array();
    for (size_t end = 1; end <= size; ++end) {
      ends.push(static_cast<int64_t>(end));
      if (ends.items().size() < 5000 && end < size) continue;
      job.out.info(Json::object().set("text", i).set("token_ends", std::exchange(ends, Json::array())));
    }
  }
  Json counts = Json::array();
  for (const std::string_view text : *texts) {
    counts.push(static_cast<int64_t>(text.size()));
    if (counts.items().size() == 50)
      job.out.info(Json::object().set("tokens", std::exchange(counts, Json::array())));
  }
  job.out.info(Json::object().set("tokens", std::move(counts)));
  return 0;
}

}  // namespace

int run_worker(std::string_view job_json) {
  JsonLines out(1);
  const auto parameters = Json::parse(job_json, "job");
  if (!parameters) {
    out.error(parameters.error());
    return 1;
  }
  Misbehaviour misbehaviour((*parameters)["model"].as_string());
  misbehaviour.on_load();
  FakeJob job{*parameters, out, misbehaviour};
  const std::string& name = (*parameters)["job"].as_string();
  if (misbehaviour.is_too_large() && (name == "serve" || name == "speed")) std::raise(SIGKILL);
  if (name == "serve") return serve_fake(*parameters, misbehaviour);
  if (name == "devices") return devices(job);
  if (name == "fit") return fit(job);
  if (name == "speed") return speed(job);
  if (name == "tokenise") return tokenise(job);
  if (name == "roofline") return roofline(job);
  out.error(Error{"there is no job '" + printable(name) + "'", "job", ""});
  return 1;
}

}  // namespace assay
