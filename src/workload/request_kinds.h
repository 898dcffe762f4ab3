// The kinds of requests that an endpoint may be sent, one row each: what a scenario calls them and what the
// rest of the program asks of a kind. How each is written and its answer read stands in target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

enum class RequestKind : uint8_t { kChat, kCompletions, kResponses, kEmbeddings, kRerank, kKserve, kJson };
inline constexpr size_t kRequestKinds = 7;

struct RequestKindRow {
  RequestKind kind;
  const char* name;  // "chat", as in a scenario
  const char* title;
  const char* path;    // below the URL's own; of kserve from the host's root; "" where the class gives it
  bool streams;        // output comes token by token: it has TTFT, TPOT, chunk gaps and output tokens
  bool has_sessions;   // later turns carry what was said before
  bool counts_prompt;  // answers tell how many tokens the prompt took
  const char* description;  // what is sent, and what is checked of the answer
};

// In the order of the enum.
std::span<const RequestKindRow> request_kinds();
const RequestKindRow& row_of(RequestKind kind);
const RequestKindRow* find_request_kind(std::string_view name);  // null: there is none of that name
std::vector<std::string> request_kind_names();
inline const char* name_of(RequestKind kind) {
  return row_of(kind).name;
}

}  // namespace assay
