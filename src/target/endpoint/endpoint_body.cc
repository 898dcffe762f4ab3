// Calls and sessions; see endpoint_body.h.
#include "target/endpoint/endpoint_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/http.h"

namespace assay {
namespace {

// {"a":1} as ,"a":1: to be appended to other members.
std::string members_text(const Json& parameters) {
  std::string text;
  for (const auto& [key, value] : parameters.members()) {
    text += ",\"";
    append_json_text(key, text);
    text += "\":" + value.dump();
  }
  return text;
}

}  // namespace

EndpointBodies::EndpointBodies(RequestKind usual, const PromptCutter& cutter, std::string base_path,
                               std::vector<RequestOptions> classes)
    : cutter_(&cutter), base_path_(std::move(base_path)) {
  if (classes.empty()) classes.emplace_back();
  for (RequestOptions& options : classes) {
    std::string parameters = members_text(options.parameters);
    const RequestKind kind = options.kind_or(usual);
    classes_.push_back({.kind = kind, .options = std::move(options), .parameters = std::move(parameters)});
  }
}

void EndpointBodies::set_model(std::string_view model) {
  model_ = model;
}

const EndpointBodies::Class& EndpointBodies::class_of(const Request& request) const {
  return classes_[std::min<size_t>(request.class_index, classes_.size() - 1)];
}

const std::string& EndpointBodies::model_of(const Class& c, const Request& request) const {
  const std::vector<std::string>& models = c.options.models;
  if (models.empty()) return model_;
  return models[models.size() == 1 ? 0 : endpoint_draw(request, "model").below(models.size())];
}

// Servers of language models have their URL end with /v1; those of the protocol stand beside it.
std::string EndpointBodies::kserve_target(std::string_view model) const {
  std::string_view root = base_path_;
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (root.ends_with(version)) {
      root.remove_suffix(version.size());
      break;
    }
  }
  return fmt::format("{}/v2/models/{}", root, percent_encoded(model));
}

std::string EndpointBodies::metadata_target(size_t class_index) const {
  const Class& c = classes_[class_index];
  return kserve_target(c.options.models.empty() ? model_ : c.options.models.front());
}

std::string EndpointBodies::target_of(const Class& c, const Request& request) const {
  if (!c.options.target.empty()) {
    std::string target;
    const std::string prompt =
        c.options.target.has_prompt() ? endpoint_prompt(request, *cutter_) : std::string();
    const std::string id = endpoint_request_id(request.id);
    c.options.target.append({.prompt = prompt, .request_id = id, .seed = request.prompt_seed},
                            RequestTemplate::Escape::kUrl, target);
    return target;
  }
  if (!c.options.path.empty()) return c.options.path;
  if (c.kind == RequestKind::kKserve) return kserve_target(model_of(c, request)) + "/infer";
  return base_path_ + row_of(c.kind).path;
}

EndpointCall EndpointBodies::call_for(const Request& request, std::string& said) const {
  const Class& c = class_of(request);
  const EndpointKind& kind = endpoint_kind(c.kind);
  const auto found = request.session == 0 ? histories_.end() : histories_.find(request.session);
  std::string model;
  append_json_text(model_of(c, request), model);
  said.clear();
  EndpointCall call{.method = c.options.method,
                    .target = target_of(c, request),
                    .body = {},
                    .rule = {.form = kind.form,
                             .read = kind.read,
                             .options = &c.options,
                             .any_status = c.kind == RequestKind::kJson},
                    .headers = &c.options.headers};
  if (kind.items != nullptr) call.rule.items = kind.items(request, c.options);
  kind.write({.request = request,
              .options = c.options,
              .fields = fields_[static_cast<size_t>(c.kind)],
              .model = model,
              .history = found == histories_.end() ? std::string_view() : std::string_view(found->second),
              .parameters = c.parameters,
              .cutter = *cutter_},
             said, call.body);
  return call;
}

void EndpointBodies::answered(const Request& request, std::string_view said, std::string_view answer) {
  if (request.session == 0) return;
  if (request.last_turn) {
    histories_.erase(request.session);
    return;
  }
  const bool is_text = class_of(request).kind == RequestKind::kCompletions;
  std::string& history = histories_[request.session];
  if (!history.empty()) history += is_text ? " " : ",";
  history += said;
  if (!is_text) history += R"(,{"role":"assistant","content":")";
  append_json_text(answer, history);
  if (!is_text) history += R"("})";
}

void EndpointBodies::failed(const Request& request) {
  if (request.last_turn) histories_.erase(request.session);
}

}  // namespace assay
