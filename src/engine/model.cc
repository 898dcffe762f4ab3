// Loading of a model, and everything that can go wrong with it, in words.
#include "engine/model.h"

#include <fmt/format.h>
#include <ggml-cpu.h>

#include <algorithm>

#include "os/os.h"
#include "workload/workload.h"

namespace assay {
namespace {

constexpr uint32_t kWarmUpTokens = 16, kLargeBatchTokens = 128;  // of which a device has the largest tiles

Result<llama_flash_attn_type> flash_attention_named(const std::string& name) {
  if (name == "auto") return LLAMA_FLASH_ATTN_TYPE_AUTO;
  if (name == "on") return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  if (name == "off") return LLAMA_FLASH_ATTN_TYPE_DISABLED;
  return fail(fmt::format("flash_attention is '{}'", printable(name)), "job", "It is auto, on or off.");
}

Result<void> check_file(const std::string& path) {
  ASSIGN_OR_RETURN(const int64_t size, file_size(path));
  if (size < 32) return fail("the file is too short for a GGUF model", path, "Fetch the model again.");
  return {};
}

Error loading_error(const ModelOptions& options, std::string_view what) {
  const std::string words = EngineLog::install().last_error();
  return Error{
      words.empty() ? std::string(what) : fmt::format("{}: {}", what, words), options.path,
      "Check that the file is a whole GGUF model of an architecture that this llama.cpp knows, and that it fits "
      "into the device's memory."};
}

std::string decode_words(int code) {
  if (code == 1) return "no room in the KV cache";
  if (code == 2) return "aborted";
  return fmt::format("error {}", code);
}

}  // namespace

Result<ModelOptions> read_model_options(const JobContext& context) {
  ModelOptions options;
  ASSIGN_OR_RETURN(options.path, context.required_text("model"));
  ASSIGN_OR_RETURN(options.device_name, context.text("device", "CPU"));
  ASSIGN_OR_RETURN(const int64_t threads, context.integer("threads", 0, 0, kMostEngineThreads));
  options.threads = threads == 0 ? default_threads() : static_cast<int>(threads);
  ASSIGN_OR_RETURN(const int64_t batch, context.integer("batch_tokens", 512, 1, 1 << 20));
  ASSIGN_OR_RETURN(const int64_t ubatch,
                   context.integer("ubatch_tokens", std::min<int64_t>(batch, 512), 1, 1 << 20));
  options.batch_tokens = static_cast<uint32_t>(batch);
  options.ubatch_tokens = static_cast<uint32_t>(std::min(batch, ubatch));
  ASSIGN_OR_RETURN(const std::string flash, context.text("flash_attention", "auto"));
  ASSIGN_OR_RETURN(options.flash_attention, flash_attention_named(flash));
  ASSIGN_OR_RETURN(const std::string kv_type, context.text("kv_type", "f16"));
  ASSIGN_OR_RETURN(options.kv_type, find_type(kv_type));
  return options;
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::load(const ModelOptions& options) {
  auto loaded = std::unique_ptr<LoadedModel>(new LoadedModel());
  RETURN_IF_ERROR(loaded->create(options));
  return loaded;
}

Result<void> LoadedModel::create(const ModelOptions& options) {
  options_ = options;
  RETURN_IF_ERROR(check_file(options.path));
  ASSIGN_OR_RETURN(device_, find_device(options.device_name));
  const bool is_cpu = ggml_backend_dev_type(device_) == GGML_BACKEND_DEVICE_TYPE_CPU;

  EngineLog& log = EngineLog::install();
  log.clear();
  log.keep_lines(true);
  // An empty list is the CPU alone; a device gets all layers, so that what is measured is that device.
  ggml_backend_dev_t devices[] = {is_cpu ? nullptr : device_, nullptr};
  llama_model_params parameters = llama_model_default_params();
  parameters.devices = devices;
  parameters.n_gpu_layers = is_cpu ? 0 : -1;
  parameters.split_mode = LLAMA_SPLIT_MODE_NONE;
  parameters.no_alloc = options.no_alloc;
  if (options.no_alloc) parameters.load_mode = LLAMA_LOAD_MODE_NONE;
  model_ = llama_model_load_from_file(options.path.c_str(), parameters);
  if (model_ == nullptr) return std::unexpected(loading_error(options, "the model cannot be loaded"));
  vocabulary_ = static_cast<uint32_t>(std::max(0, llama_vocab_n_tokens(vocab())));
  if (vocabulary_ == 0) return fail("the model has an empty vocabulary", options.path);
  if (!llama_model_has_decoder(model_) || llama_model_has_encoder(model_)) {
    return fail("the model does not generate text on its own (it has an encoder or no decoder)", options.path,
                "Take a decoder-only model.");
  }
  RETURN_IF_ERROR(create_context());
  memory_ = read_memory_lines(log.lines());
  memory_.weights_bytes = static_cast<int64_t>(llama_model_size(model_));
  log.keep_lines(false);
  if (!options.no_alloc) create_threads();
  return {};
}

Result<void> LoadedModel::create_context() {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = options_.kv_tokens;
  parameters.n_batch = options_.batch_tokens;
  parameters.n_ubatch = options_.ubatch_tokens;
  parameters.n_seq_max = options_.sequences;
  // Logits of a whole prompt are wanted by nobody; without this, room is kept for them.
  parameters.n_outputs_max = options_.sequences;
  parameters.n_threads = parameters.n_threads_batch = options_.threads;
  parameters.flash_attn_type = options_.flash_attention;
  parameters.type_k = parameters.type_v = options_.kv_type;
  // One pool of cells for all sequences: requests of any length fill it, and prefixes can be shared.
  parameters.kv_unified = true;
  parameters.swa_full = false;
  context_ = llama_init_from_model(model_, parameters);
  if (context_ == nullptr)
    return std::unexpected(loading_error(options_, "the model's context cannot be made"));
  return {};
}

// As llama.cpp's own tools do it: threads that wait for work by polling, kept between graphs.
void LoadedModel::create_threads() {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return;
  ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(cpu);
  const auto create = reinterpret_cast<decltype(ggml_threadpool_new)*>(
      ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_new"));
  free_threads_ = reinterpret_cast<decltype(ggml_threadpool_free)*>(
      ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_free"));
  if (create == nullptr || free_threads_ == nullptr) return;
  ggml_threadpool_params parameters = ggml_threadpool_params_default(options_.threads);
  threads_ = create(&parameters);
  if (threads_ != nullptr) llama_attach_threadpool(context_, threads_, nullptr);
}

LoadedModel::~LoadedModel() {
  if (context_ != nullptr) llama_free(context_);
  if (model_ != nullptr) llama_model_free(model_);
  if (threads_ != nullptr) free_threads_(threads_);
}

Result<void> LoadedModel::decode(const llama_batch& batch) {
  const int code = llama_decode(context_, batch);
  if (code == 0) return {};
  const std::string words = EngineLog::install().last_error();
  return fail(fmt::format("the engine failed to decode: {}{}{}", decode_words(code),
                          words.empty() ? "" : ": ", words),
              options_.path);
}

Result<std::vector<uint32_t>> LoadedModel::warm_up() {
  const uint32_t most = std::min(options_.batch_tokens, options_.kv_tokens);
  std::vector<uint32_t> sizes = {std::min(kWarmUpTokens, most), 1U};
  // Other devices compile a kernel when they first meet a kind of batch: also a large one, and two that write
  // at once.
  if (ggml_backend_dev_type(device_) != GGML_BACKEND_DEVICE_TYPE_CPU) {
    sizes.push_back(std::min(2U, most));
    sizes.push_back(std::min(kLargeBatchTokens, most));
  }
  std::vector<llama_token> text(most);
  for (uint32_t i = 0; i < most; ++i) text[i] = static_cast<llama_token>(i % vocabulary_);
  for (const uint32_t n : sizes) {
    RETURN_IF_ERROR(decode(llama_batch_get_one(text.data(), static_cast<int32_t>(n))));
    llama_synchronize(context_);
    llama_memory_clear(llama_get_memory(context_), false);
  }
  return sizes;
}

Json LoadedModel::conditions() const {
  Json json = Json::object();
  json.set("device", options_.device_name).set("threads", options_.threads);
  json.set("batch_tokens", options_.batch_tokens).set("ubatch_tokens", options_.ubatch_tokens);
  json.set("kv_type", ggml_type_name(options_.kv_type));
  json.set("flash_attention", llama_flash_attn_type_name(options_.flash_attention));
  json.set("quantisation", llama_ftype_name(llama_model_ftype(model_)));
  return json;
}

Json LoadedModel::describe() const {
  char description[128] = "";
  llama_model_desc(model_, description, sizeof description);
  Json json = conditions();
  json.set("model", printable(description)).set("model_file", file_name(options_.path));
  json.set("parameters", static_cast<int64_t>(llama_model_n_params(model_)));
  json.set("vocabulary", vocabulary_).set("layers", llama_model_n_layer(model_));
  json.set("trained_context_tokens", llama_model_n_ctx_train(model_));
  json.set("has_tokenizer", llama_vocab_type(vocab()) != LLAMA_VOCAB_TYPE_NONE);
  json.set("device_description", printable(ggml_backend_dev_description(device_)));
  json.set("backend", backend_name(device_)).set("engine_version", llama_version());
  json.set("kv_tokens", static_cast<int64_t>(llama_n_ctx(context_)));
  json.set("weights_bytes", memory_.weights_bytes).set("kv_bytes", memory_.kv_bytes);
  json.set("compute_bytes", memory_.compute_bytes).set("model_memory_bytes", memory_.total());
  return json;
}

}  // namespace assay
