// Asking and understanding answers, step by step; see endpoint_opening.h.
#include "target/endpoint/endpoint_opening.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

namespace assay {
namespace {

constexpr double kMaxFetchSeconds = 30;
constexpr RequestId kOpeningRequest = 0;  // no plan uses it
constexpr uint32_t kMaxModelFacts = 40;
constexpr size_t kMaxModels = 1000;
constexpr size_t kNamedModels = 8;  // of a list, in an error

bool is_word_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// True if `word` stands in `text` as a word of its own.
bool names(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_word_character(text[at - 1])) &&
        (end == text.size() || !is_word_character(text[end])))
      return true;
  }
  return false;
}

bool refuses_access(const EndpointAnswer& answer) {
  return answer.status == 401 || answer.status == 403;
}

// True if another address of the host may do better: this one did not speak at all.
bool may_be_the_address(const EndpointAnswer& answer) {
  return answer.status == 0 && answer.event.cause != FailureCause::kTls &&
         answer.event.cause != FailureCause::kMalformed;
}

// Why a question failed: the connection's own error, which knows more, or the event's words.
Error reason(const EndpointAnswer& answer) {
  Error error = answer.error;
  if (error.what.empty()) error.what = answer.event.detail;
  return error;
}

// True if the server named a field that we can do without, and that is not `given` by the class: each is
// dropped at most once.
bool drop_refused_field(const EndpointAnswer& answer, const Json& given, EndpointFields& fields) {
  if (answer.status != 400 && answer.status != 422) return false;
  for (auto [name, field] : {std::pair{"ignore_eos", &EndpointFields::ignore_eos},
                             {"stream_options", &EndpointFields::stream_options},
                             {"temperature", &EndpointFields::temperature}}) {
    if (fields.*field && given.find(name) == nullptr && names(answer.body, name))
      return fields.*field = false, true;
  }
  if (!fields.max_completion_tokens && names(answer.body, "max_completion_tokens")) {
    return fields.max_completion_tokens = true;
  }
  return false;
}

// vLLM tells max_model_len, llama.cpp a "meta" object.
void take_model_facts(const Json& entry, EndpointFacts& facts) {
  uint32_t taken = 0;
  const auto take = [&](const Json& object) {
    for (const auto& [key, value] : object.members()) {
      const bool flat = value.is_string() || value.is_number() || value.is_bool();
      if (!flat || key == "id" || key == "object" || key == "created" || taken == kMaxModelFacts) continue;
      ++taken;
      const std::string name = "model_" + printable(key, 60);
      facts.model_facts.set(name, value.is_string() ? Json(printable(value.as_string())) : value);
    }
  };
  take(entry);
  take(entry["meta"]);
  for (const Json* length : {&entry["max_model_len"], &entry["context_length"], &entry["meta"]["n_ctx"]}) {
    const int64_t tokens = length->as_integer();
    if (tokens > 0 && tokens <= UINT32_MAX && facts.context_tokens == 0)
      facts.context_tokens = static_cast<uint32_t>(tokens);
  }
}

// One round of questions, and what has been learned so far.
class Opening {
 public:
  Opening(EndpointPool& pool, const EndpointWire& wire, EndpointBodies& bodies,
          const EndpointQuestions& questions)
      : pool_(pool), wire_(wire), bodies_(bodies), questions_(questions), classes_(questions.classes) {
    for (uint32_t i = 0; questions.classes.empty() && i < bodies.classes(); ++i) classes_.push_back(i);
  }

  EndpointOpening run() {
    Result<EndpointFacts> facts = ask();
    return {.facts = std::move(facts), .was_tried = was_tried_};
  }

 private:
  Result<EndpointFacts> ask() {
    ASSIGN_OR_RETURN(const EndpointAnswer listing, fetch_models());
    RETURN_IF_ERROR(read_models(listing));
    bodies_.set_model(facts_.model);
    facts_.streams = facts_.has_usage = true;
    for (size_t i = 0; i < classes_.size(); ++i) RETURN_IF_ERROR(try_class(i));
    return std::move(facts_);
  }

  Result<EndpointAnswer> fetch_models();
  Result<void> read_models(const EndpointAnswer& answer);
  bool needs_model() const;
  Result<void> try_class(size_t place);
  Result<void> ask_for_tensors(uint32_t class_index);
  Result<EndpointAnswer> try_request(uint32_t class_index);
  std::unexpected<Error> refused(const EndpointAnswer& answer, uint32_t class_index);

  EndpointPool& pool_;
  const EndpointWire& wire_;
  EndpointBodies& bodies_;
  const EndpointQuestions& questions_;
  std::vector<uint32_t> classes_;  // that come to this server
  EndpointFacts facts_;
  std::vector<std::string> models_;  // as the server lists them
  bool was_tried_ = false;
};

// GET /models from the first of the host's addresses that answers at all.
Result<EndpointAnswer> Opening::fetch_models() {
  while (true) {
    EndpointRequest request{
        .id = kOpeningRequest,
        .server = questions_.server,
        .wire = wire_.get("/models", kOpeningRequest),
        .time_limit = nanos_from_seconds(std::min(questions_.timeout_s, kMaxFetchSeconds)),
        .rule = {.form = EndpointForm::kFetched}};
    ASSIGN_OR_RETURN(EndpointAnswer answer, pool_.ask(std::move(request), questions_.interrupted));
    if (answer.event.kind == StreamEventKind::kDone) return answer;
    if (may_be_the_address(answer) && pool_.use_next_address(questions_.server)) continue;
    Error error = reason(answer);
    error.where = wire_.url().text();
    if (error.remedy.empty()) error.remedy = "Check that the server is up and that the URL is right.";
    return std::unexpected(error);
  }
}

// Some class asks for whatever model the server has.
bool Opening::needs_model() const {
  return std::ranges::any_of(classes_, [&](uint32_t i) {
    return bodies_.kind_of(i) != RequestKind::kJson && bodies_.options_of(i).models.empty();
  });
}

Result<void> Opening::read_models(const EndpointAnswer& answer) {
  if (refuses_access(answer) && needs_model()) {
    return fail(fmt::format("the server refuses access (HTTP {}): {}", answer.status,
                            endpoint_error_words(answer.body)),
                wire_.url().text(),
                wire_.has_key() ? "Check the key in api_key_env or api_key_file."
                                : "Give a key with api_key_env or api_key_file.");
  }
  facts_.model = questions_.model;
  const Result<Json> json = answer.status == 200 ? Json::parse(answer.body, "/models") : Json();
  if (json) {
    const std::vector<Json>& entries = (*json)["data"].items();
    for (const Json& entry : entries) {
      const std::string& id = entry["id"].as_string();
      if (id.empty() || models_.size() == kMaxModels) continue;
      models_.push_back(id);
      if (facts_.model.empty()) facts_.model = id;
      if (id == facts_.model) take_model_facts(entry, facts_);
    }
  }
  for (size_t i = 0; i < classes_.size() && facts_.model.empty() && !needs_model(); ++i) {
    const std::vector<std::string>& own = bodies_.options_of(classes_[i]).models;
    if (!own.empty()) facts_.model = own.front();
  }
  if (facts_.model.empty() && needs_model()) {
    return fail(
        fmt::format("the server does not list its models (GET {}/models: HTTP {})", wire_.url().path,
                    answer.status),
        wire_.url().text(),
        "Name one with endpoint_model (`assay load`: --model), and check the path of the URL: it usually ends with /v1.");
  }
  return {};
}

// Classes whose requests are written alike are tried once.
Result<void> Opening::try_class(size_t place) {
  const uint32_t class_index = classes_[place];
  for (size_t i = 0; i < place; ++i) {
    if (bodies_.options_of(classes_[i]) == bodies_.options_of(class_index)) return {};
  }
  const RequestKindRow& kind = row_of(bodies_.kind_of(class_index));
  if (kind.kind == RequestKind::kKserve && bodies_.options_of(class_index).tensors.empty())
    RETURN_IF_ERROR(ask_for_tensors(class_index));
  ASSIGN_OR_RETURN(const EndpointAnswer trial, try_request(class_index));
  if (place == 0) facts_.server = trial.server;
  if (place == 0) facts_.tls = trial.tls;
  if (kind.streams && facts_.first_token_at == Nanos()) facts_.first_token_at = trial.first_token_at;
  if (kind.streams) facts_.streams &= trial.streamed;
  if (kind.counts_prompt) facts_.has_usage &= trial.has_usage;
  return {};
}

// GET of the model's metadata: {"inputs": [{"name", "datatype", "shape"}, …]}.
Result<void> Opening::ask_for_tensors(uint32_t class_index) {
  const std::string target = bodies_.metadata_target(class_index);
  EndpointRequest request{.id = kOpeningRequest,
                          .server = questions_.server,
                          .wire = wire_.get_target(target, kOpeningRequest),
                          .time_limit = nanos_from_seconds(std::min(questions_.timeout_s, kMaxFetchSeconds)),
                          .rule = {.form = EndpointForm::kFetched}};
  ASSIGN_OR_RETURN(const EndpointAnswer answer, pool_.ask(std::move(request), questions_.interrupted));
  const std::string where = wire_.url().text();
  const char* remedy = "Check the model's name, or give its inputs with tensors.";
  if (answer.event.kind != StreamEventKind::kDone || answer.status != 200) {
    const std::string words =
        answer.status == 0 ? answer.event.detail
                           : fmt::format("HTTP {}: {}", answer.status, endpoint_error_words(answer.body));
    return fail(fmt::format("the model's metadata (GET {}) cannot be had: {}", target, words), where, remedy);
  }
  ASSIGN_OR_RETURN(const Json metadata, Json::parse(answer.body, target));
  std::vector<TensorSpec> tensors;
  for (const Json& input : metadata["inputs"].items()) {
    if (tensors.size() == kMaxTensors) return fail("the model has too many inputs", where, remedy);
    TensorSpec tensor{
        .name = input["name"].as_string(), .datatype = input["datatype"].as_string(), .shape = {}};
    for (const Json& extent : input["shape"].items()) {
      if (tensor.shape.size() <= kMaxTensors) tensor.shape.push_back(extent.as_integer());
    }
    if (const std::string problem = tensor_problem(tensor); !problem.empty()) {
      return fail(fmt::format("the model's metadata (GET {}): the input '{}': {}", target,
                              printable(tensor.name, 40), problem),
                  where, remedy);
    }
    tensors.push_back(std::move(tensor));
  }
  if (tensors.empty())
    return fail(fmt::format("the model's metadata (GET {}) name no inputs", target), where, remedy);
  bodies_.set_tensors(class_index, std::move(tensors));
  return {};
}

// A small request shows whether the endpoint works and which fields it refuses.
Result<EndpointAnswer> Opening::try_request(uint32_t class_index) {
  while (true) {
    const Request trial{.id = kOpeningRequest,
                        .class_index = class_index,
                        .corpus = "prose",
                        .prompt_tokens = 8,
                        .output_tokens = 2};
    std::string said;
    const EndpointCall call = bodies_.call_for(trial, said);
    EndpointRequest request{.id = kOpeningRequest,
                            .server = questions_.server,
                            .wire = wire_.call(call, kOpeningRequest),
                            .time_limit = nanos_from_seconds(questions_.timeout_s),
                            .rule = call.rule};
    ASSIGN_OR_RETURN(EndpointAnswer answer, pool_.ask(std::move(request), questions_.interrupted));
    if (answer.event.kind == StreamEventKind::kDone) {
      was_tried_ = true;
      return answer;
    }
    const Json& given = bodies_.options_of(class_index).parameters;
    if (!drop_refused_field(answer, given, bodies_.fields(bodies_.kind_of(class_index))))
      return refused(answer, class_index);
  }
}

std::unexpected<Error> Opening::refused(const EndpointAnswer& answer, uint32_t class_index) {
  Error error = reason(answer);
  const RequestKindRow& kind = row_of(bodies_.kind_of(class_index));
  const bool is_usual = !bodies_.options_of(class_index).kind;
  error.what = is_usual ? "a trial request failed: " + error.what
                        : fmt::format("a trial request of kind {} failed: {}", kind.name, error.what);
  error.where = wire_.url().text();
  const std::vector<std::string>& own = bodies_.options_of(class_index).models;
  const std::string& model = own.empty() ? facts_.model : own.front();
  const bool is_unlisted = !models_.empty() && std::ranges::find(models_, model) == models_.end() &&
                           kind.kind != RequestKind::kJson && kind.kind != RequestKind::kKserve;
  const bool has_no_such_path = answer.status == 404 || answer.status == 405 || answer.status == 501;
  was_tried_ |= !refuses_access(answer) && !is_unlisted && !has_no_such_path;
  if (refuses_access(answer)) {
    error.remedy = "Check the key in api_key_env or api_key_file.";
  } else if (is_unlisted) {
    const auto some = std::span(models_).first(std::min(models_.size(), kNamedModels));
    error.remedy = fmt::format("The server does not list the model '{}'.{} It lists: {}.", printable(model),
                               suggestion(model, models_), printable(join(some, ", ")));
  } else if (has_no_such_path) {
    error.remedy =
        "Check the path of the URL: it usually ends with /v1; and whether the server has this api.";
  }
  return std::unexpected(error);
}

}  // namespace

EndpointOpening open_endpoint(EndpointPool& pool, const EndpointWire& wire, EndpointBodies& bodies,
                              const EndpointQuestions& questions) {
  return Opening(pool, wire, bodies, questions).run();
}

}  // namespace assay
