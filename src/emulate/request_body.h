// What a request's JSON body asks for, as far as the timing and the size of the answer depend on it. The
// parser behind it is simdjson, which only request_body.cc sees.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/base.h"
#include "emulate/routes.h"

namespace assay {

struct RequestBody {
  bool stream = false;
  bool include_usage = false;  // stream_options.include_usage
  bool ignore_eos = false;
  std::optional<uint32_t> max_tokens;  // max_tokens, max_completion_tokens or max_output_tokens
  // `x_prompt_tokens` where it is given; else the tokens that the prompt lists by number, and the bytes of
  // its text ÷ 4, rounded up. At least 1.
  uint32_t prompt_tokens = 1;
  uint32_t items = 1;        // inputs to embed, documents to rank, the first dimension of a tensor
  uint32_t dimensions = 64;  // of embeddings, where none are asked for
  bool base64 = false;       // encoding_format of embeddings
  uint32_t top_n = 0;        // so many documents are wanted back; 0: all

  bool operator==(const RequestBody&) const = default;
};

// One thread only.
class RequestBodyParser {
 public:
  RequestBodyParser();
  ~RequestBodyParser();
  // Errors are for the client: what is wrong with its body, or that embeddings of more than 4,000,000 numbers
  // are asked for. `body` is hostile; room behind it is made.
  Result<RequestBody> parse(RouteKind kind, std::string& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
