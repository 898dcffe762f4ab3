// The paths at which engines describe themselves, a row each, and what is taken from there; see
// endpoint_identity.h.
#include "target/endpoint/endpoint_identity.h"

#include <algorithm>
#include <span>

namespace assay {
namespace {

constexpr double kAskSeconds = 5;
constexpr RequestId kOwnRequest = 0;
constexpr size_t kMaxBodyBytes = 1 << 20;

// Where a value stands in the document ("default_generation_settings.n_ctx"), and what it is called here.
struct Field {
  const char* member;
  const char* name;
};

constexpr Field kLlamaFields[] = {{"model_path", "server_model_path"},
                                  {"total_slots", "server_slots"},
                                  {"default_generation_settings.n_ctx", "server_slot_context_tokens"},
                                  {"model_alias", "server_model_alias"}};
// Of everything that SGLang was started with, what decides its speed. Its key is among the rest: only what is
// named here is ever taken.
constexpr Field kSglangFields[] = {{"model_path", "server_model_path"},
                                   {"tp_size", "server_tp_size"},
                                   {"dp_size", "server_dp_size"},
                                   {"pp_size", "server_pp_size"},
                                   {"ep_size", "server_ep_size"},
                                   {"dtype", "server_dtype"},
                                   {"quantization", "server_quantisation"},
                                   {"kv_cache_dtype", "server_kv_type"},
                                   {"context_length", "server_context_tokens"},
                                   {"max_running_requests", "server_max_running_requests"},
                                   {"max_total_num_tokens", "server_kv_tokens"},
                                   {"chunked_prefill_size", "server_chunked_prefill_tokens"},
                                   {"mem_fraction_static", "server_memory_share"},
                                   {"attention_backend", "server_attention_backend"},
                                   {"schedule_policy", "server_schedule_policy"},
                                   {"disable_radix_cache", "server_prefix_cache_off"},
                                   {"speculative_algorithm", "server_speculative_algorithm"}};
constexpr Field kSglangModelFields[] = {{"model_path", "server_model_path"},
                                        {"weight_version", "server_weight_version"}};
constexpr Field kTgiFields[] = {{"model_id", "server_model_path"},
                                {"model_sha", "server_model_sha"},
                                {"model_dtype", "server_dtype"},
                                {"sha", "server_engine_sha"},
                                {"docker_label", "server_docker_label"},
                                {"max_concurrent_requests", "server_max_running_requests"},
                                {"max_input_tokens", "server_max_input_tokens"},
                                {"max_total_tokens", "server_context_tokens"},
                                {"max_batch_total_tokens", "server_batch_tokens"}};

struct Source {
  const char* engine;
  const char* path;
  const char*
      sign;  // a member that only this engine's document has; null: the document does not tell engines apart
  const char* version;  // the member that holds the version; null: none does
  const char*
      substitute;  // asked where `path` is unknown to the server: its name in other versions; null: none
  std::span<const Field> fields;
};

constexpr Source kSources[] = {
    {"vllm", "/version", nullptr, "version", nullptr, {}},
    {"llama.cpp", "/props", "default_generation_settings", "build_info", nullptr, kLlamaFields},
    {"sglang", "/get_server_info", "tp_size", "version", "/server_info", kSglangFields},
    {"sglang", "/get_model_info", "is_generation", nullptr, "/model_info", kSglangModelFields},
    {"tgi", "/info", "model_id", "version", nullptr, kTgiFields},
};

const Json& member_at(const Json& document, std::string_view path) {
  const Json* at = &document;
  for (const std::string_view name : split(path, '.')) at = &(*at)[name];
  return *at;
}

const Source* source_at(std::string_view path) {
  const auto found = std::find_if(std::begin(kSources), std::end(kSources), [&](const Source& source) {
    return path == source.path || (source.substitute != nullptr && path == source.substitute);
  });
  return found == std::end(kSources) ? nullptr : found;
}

// One question; nothing where the server gave no answer at all.
Result<std::optional<EndpointAnswer>> ask_at(EndpointPool& pool, uint32_t server, const EndpointWire& root,
                                             const char* path, const std::function<bool()>& interrupted) {
  EndpointRequest request{.id = kOwnRequest,
                          .server = server,
                          .wire = root.get(path, kOwnRequest),
                          .time_limit = nanos_from_seconds(kAskSeconds),
                          .rule = {.form = EndpointForm::kFetched}};
  ASSIGN_OR_RETURN(EndpointAnswer answer, pool.ask(std::move(request), interrupted));
  if (answer.event.kind != StreamEventKind::kDone) return std::nullopt;
  return answer;
}

}  // namespace

std::string engine_of(const IdentityHints& hints) {
  const std::string owner = lower(hints.owner), server = lower(hints.server);
  if (owner == "vllm" || owner == "sglang") return owner;
  if (owner == "llamacpp" || server == "llama.cpp") return "llama.cpp";
  return "";
}

void take_identity(std::string_view path, std::string_view body, ServerIdentity& identity) {
  const Source* source = source_at(path);
  if (source == nullptr || body.size() > kMaxBodyBytes) return;
  const Result<Json> document = Json::parse(body, path);
  if (!document || !document->is_object()) return;
  if (source->sign != nullptr) {
    if (document->find(source->sign) == nullptr) return;
    if (identity.engine.empty()) identity.engine = source->engine;
  }
  if (source->version != nullptr && identity.version.empty())
    identity.version = printable((*document)[source->version].as_string());
  if (identity.facts.is_null()) identity.facts = Json::object();
  for (const Field& field : source->fields) {
    const Json& value = member_at(*document, field.member);
    const bool is_flat = value.is_string() || value.is_number() || value.is_bool();
    const bool says_nothing = value.is_string() && value.as_string().empty();
    if (!is_flat || says_nothing || identity.facts.find(field.name) != nullptr) continue;
    identity.facts.set(field.name, value.is_string() ? Json(printable(value.as_string())) : value);
  }
}

Result<ServerIdentity> ask_identity(EndpointPool& pool, const EndpointWire& root, const IdentityHints& hints,
                                    const std::function<bool()>& interrupted, uint32_t server) {
  ServerIdentity identity{.engine = engine_of(hints), .version = {}, .facts = Json::object()};
  for (const Source& source : kSources) {
    const std::string& known = identity.engine;
    // Without a hint the first document that tells engines apart decides what else is asked.
    if (!known.empty() && known != source.engine) continue;
    for (const char* path : {source.path, source.substitute}) {
      if (path == nullptr) continue;
      ASSIGN_OR_RETURN(const std::optional<EndpointAnswer> answer,
                       ask_at(pool, server, root, path, interrupted));
      if (!answer) return identity;
      if (answer->status == 200) take_identity(path, answer->body, identity);
      if (answer->status != 404) break;
    }
  }
  return identity;
}

}  // namespace assay
