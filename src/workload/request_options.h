// RequestOptions: what the requests of one traffic class are beside their lengths: the interface they speak
// to, the parameters, headers and models they name, and what an answer must be. PrefixPool and CancelPlan:
// which requests share a prefix, and which are broken off by their user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "workload/answer_check.h"
#include "workload/lengths.h"
#include "workload/request_kinds.h"
#include "workload/request_template.h"

namespace assay {

// One input of a model by the Open Inference Protocol (v2):
// https://github.com/kserve/open-inference-protocol.
struct TensorSpec {
  std::string name;
  std::string datatype;        // a name of tensor_datatypes()
  std::vector<int64_t> shape;  // −1: varies; the first then is `inputs`, a later one `prompt_tokens`

  bool operator==(const TensorSpec&) const = default;
};
// What the protocol calls the types of elements: "BOOL", "FP32", "BYTES" …
std::vector<std::string> tensor_datatypes();
// What is impossible about the tensor, or "".
std::string tensor_problem(const TensorSpec& tensor);
inline constexpr int64_t kMaxTensorElements = 1 << 20;
inline constexpr size_t kMaxTensors = 64;

struct RequestOptions {
  std::optional<RequestKind> kind;  // nothing: the target's own
  std::string path;                 // from the host's root; empty: the kind's
  std::vector<std::string> models;  // or adapters: each request draws one; empty: the target's
  std::vector<std::pair<std::string, std::string>> headers;  // without secrets
  Json parameters;            // members of the body: sampling parameters and extra_body; null: none
  LengthDistribution inputs;  // embeddings: texts; kserve: a first extent that varies
  LengthDistribution documents{.a = 10};  // rerank
  LengthDistribution document_tokens{.a = 128};
  std::vector<TensorSpec> tensors;  // kserve; empty: as the model's metadata say
  std::string method = "POST";      // json: this and the rest
  RequestTemplate target, body;     // target: path and query
  AnswerExpectation expect;

  RequestKind kind_or(RequestKind usual) const { return kind.value_or(usual); }
  bool operator==(const RequestOptions&) const = default;
};

// Which requests share one of `count` prefixes of the class's prefix_tokens.
struct PrefixPool {
  double share = 1;    // of requests (of sessions: by their first turn) that have one
  uint32_t count = 1;  // distinct ones
  double zipf = 0;     // the k-th is drawn with weight 1 / k^zipf; 0: all alike
  // Levels of a tree whose leaves the prefixes are, each a part of the length: tenants over their system
  // prompts over documents. Every node has ceil(count^(1/depth)) children, as far as there are prefixes;
  // neighbours share the longest.
  uint32_t depth = 1;

  bool operator==(const PrefixPool&) const = default;
};

// Requests that their user breaks off, as planned: after a drawn number of chunks or milliseconds, whichever
// is set.
struct CancelPlan {
  double share = 0;  // of requests
  std::optional<LengthDistribution> after_chunks, after_ms;

  bool operator==(const CancelPlan&) const = default;
};

}  // namespace assay
