// EndpointBodies: what a server is asked, request by request: where it goes, its JSON with the earlier turns
// of its session before it, and how its answer is to be read. How one kind is written stands in
// endpoint_kinds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "target/endpoint/endpoint_kinds.h"
#include "workload/workload.h"

namespace assay {

// One request as it goes out, and what is expected back.
struct EndpointCall {
  std::string_view method;
  std::string target;  // path and query
  std::string body;
  EndpointRule rule;
  const std::vector<std::pair<std::string, std::string>>* headers = nullptr;  // further ones
};

// Builds calls and keeps what sessions have said so far: one JSON fragment each, so that a turn costs what it
// adds. Calls refer to it. One thread only.
class EndpointBodies {
 public:
  // `usual`: the kind of classes that name none. `cutter` must outlive it. `base_path`: the URL's own.
  // Requests name their class by index; without any class there is one that leaves everything open.
  EndpointBodies(RequestKind usual, const PromptCutter& cutter, std::string base_path = "",
                 std::vector<RequestOptions> classes = {});

  // Of requests whose class names none.
  void set_model(std::string_view model);
  EndpointFields& fields(RequestKind kind) { return fields_[static_cast<size_t>(kind)]; }
  size_t classes() const { return classes_.size(); }
  RequestKind kind_of(size_t class_index) const { return classes_[class_index].kind; }
  RequestKind kind_of_request(const Request& request) const { return class_of(request).kind; }
  const RequestOptions& options_of(size_t class_index) const { return classes_[class_index].options; }
  // What the model takes, where the class did not say.
  void set_tensors(size_t class_index, std::vector<TensorSpec> tensors) {
    classes_[class_index].options.tensors = std::move(tensors);
  }
  // GET this for the metadata of the class's model by the Open Inference Protocol. A class of that kind.
  std::string metadata_target(size_t class_index) const;

  // `said` is what this turn adds to its session: to be given back to `answered`.
  EndpointCall call_for(const Request& request, std::string& said) const;
  // The turn ended well with `answer`. The session is forgotten after its last turn.
  void answered(const Request& request, std::string_view said, std::string_view answer);
  // The turn ended badly: the session goes on without it, or is forgotten if it was the last.
  void failed(const Request& request);
  size_t sessions() const { return histories_.size(); }

 private:
  struct Class {
    RequestKind kind;
    RequestOptions options;
    std::string parameters;  // as JSON text: ",\"top_p\":0.9"
  };
  const Class& class_of(const Request& request) const;
  const std::string& model_of(const Class& c, const Request& request) const;
  std::string target_of(const Class& c, const Request& request) const;
  std::string kserve_target(std::string_view model) const;

  const PromptCutter* cutter_;
  std::string base_path_;
  std::vector<Class> classes_;
  std::string model_;
  std::array<EndpointFields, kRequestKinds> fields_;
  std::unordered_map<uint64_t, std::string>
      histories_;  // by session: messages (chat, responses) or text (completions), as JSON
};

}  // namespace assay
