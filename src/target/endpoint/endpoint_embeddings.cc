// Embeddings: texts in, one vector for each out, as OpenAI, vLLM and others serve them.
#include <fmt/format.h>

#include <algorithm>

#include "target/endpoint/endpoint_kinds.h"
#include "target/endpoint/json_walk.h"

namespace assay {
namespace {

constexpr size_t kQuotedBytes = 60;

// Numbers that a vector in base64 holds, four bytes each; nothing if it is no base64 of some.
std::optional<uint64_t> base64_numbers(std::string_view text) {
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const std::string_view digits = text.substr(0, text.size() - padding);
  const bool are_digits = std::ranges::all_of(digits, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
  if (text.empty() || text.size() % 4 != 0 || !are_digits) return std::nullopt;
  const uint64_t bytes = text.size() / 4 * 3 - padding;
  if (bytes % 4 != 0) return std::nullopt;
  return bytes / 4;
}

// One item of "data"; gives the length of its vector, 0 after a problem.
uint64_t read_item(WalkedJson& item, EndpointVerdict& verdict) {
  uint64_t length = 0;
  bool is_there = false;
  item.each_member([&](std::string_view key, WalkedJson& value) {
    if (key != "embedding" || is_there) return;
    is_there = true;
    std::optional<uint64_t> found;
    if (value.type() == JsonType::kString) {
      const std::optional<std::string_view> text = value.text();
      found = text ? base64_numbers(*text) : std::nullopt;
    } else {
      const std::optional<WalkedJson::Scalars> numbers = value.scalars();
      if (numbers && (numbers->count == 0 || numbers->type == JsonType::kNumber)) found = numbers->count;
    }
    if (!found) {
      verdict.fail(FailureCause::kCheckFailed,
                   "an embedding is neither an array of finite numbers nor base64");
    } else if (*found == 0) {
      verdict.fail(FailureCause::kCheckFailed, "an embedding is empty");
    } else {
      length = *found;
    }
  });
  if (!is_there) verdict.fail(FailureCause::kCheckFailed, "an item of data has no embedding");
  return length;
}

}  // namespace

uint32_t embedded_texts(const Request& request, const RequestOptions& options) {
  Random random = endpoint_draw(request, "inputs");
  return options.inputs.draw(random);
}

void write_embeddings(const EndpointParts& parts, std::string&, std::string& body) {
  const uint32_t texts = embedded_texts(parts.request, parts.options);
  body += R"({"model":")";
  body += parts.model;
  body += texts == 1 ? R"(","input":)" : R"(","input":[)";
  for (uint32_t i = 0; i < texts; ++i) {
    Request one = parts.request;
    if (i > 0) one.prompt_seed = endpoint_draw(parts.request, "input text", i).next();
    body += i == 0 ? "\"" : ",\"";
    append_json_text(endpoint_prompt(one, parts.cutter), body);
    body += '"';
  }
  if (texts > 1) body += ']';
  body += parts.parameters;
  body += '}';
}

void read_embeddings(const EndpointDocument& document, EndpointVerdict& verdict) {
  uint64_t vectors = 0, length = 0;
  bool has_data = false;
  const bool is_read = JsonWalk().walk(document.body, [&](std::string_view key, WalkedJson& value) {
    if (key == "data") {
      has_data = value.type() == JsonType::kArray;
      value.each_item([&](std::string_view, WalkedJson& item) {
        const uint64_t own = read_item(item, verdict);
        if (++vectors == 1) length = own;
        if (own != length)
          verdict.fail(FailureCause::kCheckFailed,
                       fmt::format("embeddings of different lengths: {} and {}", length, own));
      });
    } else if (key == "usage") {
      value.each_member([&](std::string_view name, WalkedJson& count) {
        if (name == "prompt_tokens")
          verdict.prompt_tokens =
              static_cast<uint32_t>(std::clamp<int64_t>(count.integer().value_or(0), 0, UINT32_MAX));
      });
    }
  });
  if (!is_read) {
    verdict.cause = FailureCause::kNone;
    verdict.fail(FailureCause::kMalformed, "an answer that is no JSON document: " +
                                               printable(document.body.substr(0, 1000), kQuotedBytes));
  }
  if (!has_data) verdict.fail(FailureCause::kCheckFailed, "the answer has no data");
  if (vectors != document.items)
    verdict.fail(FailureCause::kCheckFailed,
                 fmt::format("{} embeddings for {} texts", vectors, document.items));
}

}  // namespace assay
