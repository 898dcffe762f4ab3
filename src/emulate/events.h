// The bytes of streamed answers. A token's event is a template made once, of which only the answer's id and a
// word of fixed length change, so that sending one costs a few nanoseconds besides the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "emulate/routes.h"

namespace assay {

// 16 hexadecimal digits, a function of the request's index.
using AnswerId = std::array<char, 16>;
AnswerId answer_id(uint64_t index);

// The text of the `index`-th token: a blank and four letters, one token of most vocabularies.
std::string_view token_word(uint64_t index);
inline constexpr size_t kTokenBytes = 5;

// One event in an HTTP chunk of its own. Patching changes it in place.
struct EventTemplate {
  std::string bytes;
  size_t id_at = 0, word_at = 0;

  void patch(const AnswerId& id, uint64_t token_index);
};

struct Usage {
  uint32_t prompt_tokens = 0, completion_tokens = 0;
};

class StreamEvents {
 public:
  // `created_s` is what answers carry as their time of making.
  StreamEvents(const std::string& model, int64_t created_s);

  EventTemplate& token(RouteKind kind) { return templates_[index_of(kind)]; }
  // A token's event as a text of its own (no chunk), with any word: for what the template cannot say.
  std::string token_event(RouteKind kind, const AnswerId& id, std::string_view word) const;
  // What comes before the first token: the role-only chunk, or that the response has been created.
  void append_opening(RouteKind kind, const AnswerId& id, std::string& out) const;
  // What comes after the last: finish, usage where it is wanted, [DONE], and the last chunk of HTTP.
  struct Closing {
    const char* finish_reason = "stop";
    Usage usage;
    bool include_usage = false;
  };
  void append_closing(RouteKind kind, const AnswerId& id, const Closing& closing, std::string& out) const;

  const std::string& model() const { return model_; }
  int64_t created_s() const { return created_s_; }

 private:
  static size_t index_of(RouteKind kind);
  std::string event(RouteKind kind, const AnswerId& id, std::string_view choices,
                    std::string_view rest) const;

  std::string model_;  // as JSON text, without its quotes
  int64_t created_s_;
  std::array<EventTemplate, 3> templates_;
};

// `text` as one HTTP chunk.
void append_chunk(std::string_view text, std::string& out);
// Text inside the quotes of JSON.
std::string json_escaped(std::string_view text);
// The text of `tokens` tokens.
std::string answer_text(uint32_t tokens);
std::string usage_json(const Usage& usage);

}  // namespace assay
