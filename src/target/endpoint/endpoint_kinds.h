// How each kind of request is written and its answer read: the table behind workload's request kinds. A kind
// is a file, endpoint_KIND.cc, and a row.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "target/endpoint/endpoint_check.h"
#include "workload/workload.h"

namespace assay {

// Fields that a server may not know and refuse; open() finds out which.
struct EndpointFields {
  bool ignore_eos = true;      // llama.cpp, vLLM, SGLang: go on to max_tokens
  bool stream_options = true;  // usage at the end of a stream
  bool temperature = true;
  bool max_completion_tokens = false;  // in place of max_tokens
};

// What one body is made of.
struct EndpointParts {
  const Request& request;
  const RequestOptions& options;
  const EndpointFields& fields;
  std::string_view model;       // as JSON text
  std::string_view history;     // what the session said so far, as the kind writes it
  std::string_view parameters;  // further members: "" or ",\"top_p\":0.9"
  const PromptCutter& cutter;

  // `parameters` do not set it: then the kind's own value stands.
  bool is_free(std::string_view key) const { return options.parameters.find(key) == nullptr; }
};

struct EndpointKind {
  RequestKind kind;
  // Appends the body. `said`: what the turn adds to its session's history.
  void (*write)(const EndpointParts& parts, std::string& said, std::string& body);
  // How the end of a stream and its chunks look, or how a document is read.
  EndpointForm form;
  EndpointRead read = nullptr;  // of EndpointForm::kDocument
  // How many things the answer must hold one for each; null: one.
  uint32_t (*items)(const Request& request, const RequestOptions& options) = nullptr;
};
const EndpointKind& endpoint_kind(RequestKind kind);

// The rows' functions.
void write_chat(const EndpointParts& parts, std::string& said, std::string& body);
void write_completion(const EndpointParts& parts, std::string& said, std::string& body);
void write_response(const EndpointParts& parts, std::string& said, std::string& body);
void write_embeddings(const EndpointParts& parts, std::string& said, std::string& body);
void write_rerank(const EndpointParts& parts, std::string& said, std::string& body);
void write_tensors(const EndpointParts& parts, std::string& said, std::string& body);
void write_templated(const EndpointParts& parts, std::string& said, std::string& body);
void read_embeddings(const EndpointDocument& document, EndpointVerdict& verdict);
void read_ranks(const EndpointDocument& document, EndpointVerdict& verdict);
void read_tensors(const EndpointDocument& document, EndpointVerdict& verdict);
void read_templated(const EndpointDocument& document, EndpointVerdict& verdict);
uint32_t embedded_texts(const Request& request, const RequestOptions& options);
uint32_t ranked_documents(const Request& request, const RequestOptions& options);

// The prompt of one turn: the shared prefix, then what is its own.
std::string endpoint_prompt(const Request& request, const PromptCutter& cutter);
// One draw of a request: a function of its seed, what is drawn, and the how-manieth of it.
Random endpoint_draw(const Request& request, const char* what, uint64_t index = 0);
// "assay-7": what X-Request-Id says.
std::string endpoint_request_id(RequestId id);

}  // namespace assay
