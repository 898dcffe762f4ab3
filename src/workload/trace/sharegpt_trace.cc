// ShareGPT: a JSON array of {id, conversations: [{from, value}, …]}, or such objects line by line. A
// conversation is a session: what people, systems and tools say up to an answer is the prompt of a turn, the
// answer its output. The texts are not replayed; their lengths are estimated from their bytes. There are no
// instants.
#include <algorithm>
#include <cmath>

#include "workload/trace/trace_json.h"

namespace assay {
namespace {

struct Turn {
  size_t prompt_bytes = 0, output_bytes = 0;
};

bool is_answer(std::string_view from) {
  for (const std::string_view name : {"gpt", "chatgpt", "assistant", "model", "bing", "bard"}) {
    if (from == name) return true;
  }
  return false;
}

// {from, value}: who said how much.
bool read_message(JsonCursor& cursor, bool& is_answered, size_t& bytes) {
  std::string_view key, text;
  if (!cursor.begin_object()) return false;
  while (cursor.next_member(key)) {
    if ((key != "from" && key != "value") || cursor.peek() == 'n') {
      if (!cursor.skip()) return false;
      continue;
    }
    if (!cursor.read_string(text)) return false;
    if (key == "from") is_answered = is_answer(text);
    if (key == "value") bytes = decoded_bytes(text);
  }
  return cursor.is_good();
}

// Turns that were answered. What stands before the first question, or behind the last answer, is none.
bool read_messages(JsonCursor& cursor, std::vector<Turn>& turns) {
  if (!cursor.begin_array()) return false;
  size_t prompt_bytes = 0;
  while (cursor.next_item()) {
    bool is_answered = false;
    size_t bytes = 0;
    if (!read_message(cursor, is_answered, bytes)) return false;
    if (!is_answered) {
      prompt_bytes += bytes;
    } else if (prompt_bytes > 0) {
      turns.push_back({prompt_bytes, bytes});
      prompt_bytes = 0;
    } else if (!turns.empty()) {
      turns.back().output_bytes += bytes;  // an answer in two parts
    }
  }
  return cursor.is_good();
}

bool read_conversation(JsonCursor& cursor, std::vector<Turn>& turns) {
  std::string_view key;
  turns.clear();
  if (!cursor.begin_object()) return false;
  while (cursor.next_member(key)) {
    if (!(key == "conversations" && cursor.peek() == '[' ? read_messages(cursor, turns) : cursor.skip()))
      return false;
  }
  return cursor.is_good();
}

// The next conversation of an array or a row of objects; false at the end, or if something is wrong.
bool has_next(JsonCursor& cursor, bool is_array) {
  return is_array ? cursor.next_item() : cursor.peek() != '\0';
}

}  // namespace

bool is_sharegpt_trace(std::string_view text) {
  return has_member(first_members(text), "conversations");
}

Result<Trace> parse_sharegpt_trace(std::string_view text, std::string_view where,
                                   const TraceOptions& options) {
  constexpr const char* kRemedy =
      R"(The file reads like [{"id": "a", "conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}].)";
  JsonCursor cursor(text);
  const bool is_array = cursor.peek() == '[' && cursor.begin_array();
  TraceBuilder builder(options, 1);
  std::vector<Turn> turns;
  uint64_t skipped = 0;
  const auto tokens_of = [&](size_t bytes) {
    return std::min(std::ceil(static_cast<double>(bytes) / options.bytes_per_token),
                    static_cast<double>(kMaxTokens));
  };
  for (uint64_t number = 1; !builder.is_full() && has_next(cursor, is_array); ++number) {
    if (!read_conversation(cursor, turns)) break;
    if (turns.empty()) ++skipped;
    for (const Turn& turn : turns) {
      if (builder.is_full()) break;
      TraceRow row{.prompt_tokens = tokens_of(turn.prompt_bytes),
                   .output_tokens = tokens_of(turn.output_bytes)};
      row.has_session = turns.size() > 1;
      row.session = number;
      if (std::string problem = builder.add(row); !problem.empty())
        return trace_error(cursor, where, std::move(problem), "");
    }
  }
  if (!cursor.is_good()) return trace_error(cursor, where, "", kRemedy);
  ASSIGN_OR_RETURN(Trace trace, builder.finish(where));
  trace.is_estimated = true;
  trace.skipped = skipped;
  trace.skipped_words = "conversations without an answered question";
  return trace;
}

}  // namespace assay
