// Request bodies over simdjson's on-demand interface; see request_body.h.
#include "emulate/request_body.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace assay {

namespace ondemand = simdjson::ondemand;

struct RequestBodyParser::State {
  ondemand::parser parser;
};

RequestBodyParser::RequestBodyParser() : state_(std::make_unique<State>()) {}
RequestBodyParser::~RequestBodyParser() = default;

namespace {

constexpr uint64_t kMostTokens = 1'000'000;
constexpr uint64_t kMostDimensions = 8192;
constexpr uint64_t kMostNumbers = 4'000'000;  // of the embeddings in one answer: some 24 MB of text
constexpr int kDeepest = 8;

// How much of a prompt has been seen.
struct PromptSize {
  uint64_t bytes = 0;
  uint64_t tokens = 0;  // listed by number
  uint64_t items = 0;   // texts, or lists of tokens
};

uint64_t bounded_count(ondemand::value value, uint64_t most) {
  uint64_t count = 0;
  if (value.get(count) != simdjson::SUCCESS) return 0;
  return std::min(count, most);
}

// Text wherever it stands in what models take: a string, a list of strings or of token numbers, messages with
// "content", parts with "text".
void measure(ondemand::value value, int depth, PromptSize& size) {
  if (depth > kDeepest) return;
  switch (value.type()) {
    case ondemand::json_type::string: {
      std::string_view text;
      if (value.get_string().get(text) == simdjson::SUCCESS) size.bytes += text.size();
      if (depth <= 1) ++size.items;
      return;
    }
    case ondemand::json_type::number:
      ++size.tokens;
      return;
    case ondemand::json_type::array:
      for (ondemand::value item : value.get_array()) measure(item, depth + 1, size);
      return;
    case ondemand::json_type::object:
      if (depth <= 1) ++size.items;
      for (ondemand::field field : value.get_object()) {
        const ondemand::raw_json_string key = field.key();
        if (key == "content" || key == "text" || key == "output") measure(field.value(), depth + 1, size);
      }
      return;
    default:
      return;
  }
}

// Of a tensor of the Open Inference Protocol: the first number of its shape, and what its data holds.
void measure_tensors(ondemand::value inputs, PromptSize& size) {
  for (ondemand::value input : inputs.get_array()) {
    for (ondemand::field field : input.get_object()) {
      const ondemand::raw_json_string key = field.key();
      if (key == "shape") {
        for (ondemand::value extent : field.value().get_array()) {
          if (size.items == 0) size.items = bounded_count(extent, kMostTokens);
        }
      } else if (key == "data") {
        measure(field.value(), 0, size);
      }
    }
  }
}

void take_field(RouteKind kind, ondemand::field field, RequestBody& body, PromptSize& size,
                uint64_t& stated_prompt_tokens) {
  const ondemand::raw_json_string key = field.key();
  ondemand::value value = field.value();
  const auto flag = [&] {
    bool on = false;
    return value.get(on) == simdjson::SUCCESS && on;
  };
  if (key == "stream") {
    body.stream = flag();
  } else if (key == "ignore_eos") {
    body.ignore_eos = flag();
  } else if (key == "stream_options") {
    if (value.type() != ondemand::json_type::object) return;
    bool on = false;
    if (value.get_object()["include_usage"].get(on) == simdjson::SUCCESS) body.include_usage = on;
  } else if (key == "max_tokens" || key == "max_completion_tokens" || key == "max_output_tokens") {
    const auto count = static_cast<uint32_t>(bounded_count(value, kMostTokens));
    if (count > 0) body.max_tokens = std::min(count, body.max_tokens.value_or(count));
  } else if (key == "x_prompt_tokens") {
    stated_prompt_tokens = bounded_count(value, kMostTokens);
  } else if (key == "dimensions") {
    const auto count = static_cast<uint32_t>(bounded_count(value, kMostDimensions));
    if (count > 0) body.dimensions = count;
  } else if (key == "encoding_format") {
    std::string_view format;
    body.base64 = value.get(format) == simdjson::SUCCESS && format == "base64";
  } else if (key == "top_n") {
    body.top_n = static_cast<uint32_t>(bounded_count(value, kMostTokens));
  } else if (key == "inputs" && kind == RouteKind::kInfer) {
    measure_tensors(value, size);
  } else if (key == "messages" || key == "prompt" || key == "input" || key == "instructions" ||
             key == "documents") {
    measure(value, 0, size);
  } else if (key == "query") {
    const uint64_t items = size.items;
    measure(value, 0, size);
    size.items = items;  // the query is no document
  }
}

}  // namespace

Result<RequestBody> RequestBodyParser::parse(RouteKind kind, std::string& body) {
  RequestBody result;
  PromptSize size;
  uint64_t stated = 0;
  try {
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    ondemand::document document = state_->parser.iterate(body.data(), body.size(), body.capacity());
    for (ondemand::field field : document.get_object()) take_field(kind, field, result, size, stated);
  } catch (const simdjson::simdjson_error& error) {
    return fail(std::string("the body is no JSON object: ") + error.what());
  }
  const uint64_t counted = size.tokens + (size.bytes + 3) / 4;
  result.prompt_tokens =
      static_cast<uint32_t>(std::clamp<uint64_t>(stated > 0 ? stated : counted, 1, kMostTokens));
  result.items = static_cast<uint32_t>(std::clamp<uint64_t>(size.items, 1, kMostTokens / 8));
  if (kind == RouteKind::kEmbeddings && uint64_t{result.items} * result.dimensions > kMostNumbers) {
    return fail(
        fmt::format("{} inputs of {} dimensions are more than the {} numbers that one answer may hold",
                    result.items, result.dimensions, kMostNumbers));
  }
  return result;
}

}  // namespace assay
