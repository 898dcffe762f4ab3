// Reading chunks by what they have in common; see endpoint_pattern.h.
#include "target/endpoint/endpoint_pattern.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace assay {
namespace {

constexpr std::string_view kField = "data: ";
constexpr std::string_view kEnd = "\n\n";
// Real chunks have a few hundred bytes around their text; beyond this the memory of thousands of streams
// counts.
constexpr size_t kMostBytes = 1024;

// Of every byte whether it stands for itself in a JSON string of any encoding: no quote, no escape, no
// control character, ASCII.
constexpr std::array<bool, 256> kIsPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<size_t>(c)] = c != '"' && c != '\\';
  return plain;
}();

}  // namespace

void EndpointPattern::learn(std::string_view json, const EndpointChunk& chunk) {
  const bool says_more = chunk.finished || chunk.has_usage || chunk.tool_call || chunk.has_error ||
                         chunk.server_prompt.count != 0 || chunk.server_tpot.count != 0 ||
                         chunk.content == chunk.reasoning;
  const std::string_view text = chunk.raw_text;
  if (says_more || text.empty() || json.size() > kMostBytes) return;
  const auto at = static_cast<size_t>(text.data() - json.data());
  before_.assign(kField).append(json.substr(0, at));
  after_.assign(json.substr(at + text.size())).append(kEnd);
  kind_ = chunk.content ? StreamEventKind::kContent : StreamEventKind::kReasoning;
}

// By pointers: once an event, and the bounds that substr() checks are known here.
std::string_view EndpointPattern::take(std::string_view& stream) const {
  if (before_.empty() || !stream.starts_with(before_)) return {};
  const char* const begin = stream.data() + before_.size();
  const char* const end = stream.data() + stream.size();
  const char* quote = begin;  // for a token's few letters faster than memchr
  while (quote != end && kIsPlain[static_cast<uint8_t>(*quote)]) ++quote;
  if (quote == begin || static_cast<size_t>(end - quote) < after_.size() ||
      std::memcmp(quote, after_.data(), after_.size()) != 0)  // after_ begins with the quote
    return {};
  const std::string_view text(begin, static_cast<size_t>(quote - begin));
  stream.remove_prefix(before_.size() + text.size() + after_.size());
  return text;
}

}  // namespace assay
