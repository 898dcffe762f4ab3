// Mooncake's traces and those that follow them, as JSON lines: timestamp (ms), input_length, output_length
// and hash_ids, one id a block of the prompt, of 512 tokens unless stated. Extensions: session_id makes rows
// turns of one session, whose input_length is what the turn adds; delay (ms) is the pause after the answer
// before.
#include <fmt/format.h>

#include <cmath>

#include "workload/trace/trace_json.h"

namespace assay {
namespace {

constexpr uint32_t kBlockTokens = 512;
constexpr double kNsPerMs = 1e6;

struct Line {
  TraceRow row;
  bool has_lengths[2] = {false, false};
  std::vector<uint64_t> ids;
};

// An instant or pause in milliseconds; null is as good as absent.
bool read_ms(JsonCursor& cursor, std::optional<int64_t>& out) {
  if (cursor.peek() == 'n') return cursor.skip();
  double ms = 0;
  if (!cursor.read_number(ms)) return false;
  out = trace_nanos(ms, kNsPerMs);
  return out ? true : cursor.fail("a time that is negative or beyond all bounds");
}

bool read_member(JsonCursor& cursor, std::string_view key, Line& line) {
  if (key == "timestamp") return read_ms(cursor, line.row.at_ns);
  if (key == "delay") return read_ms(cursor, line.row.pause_ns);
  if (key == "hash_ids") return cursor.peek() == 'n' ? cursor.skip() : read_hash_ids(cursor, 0, line.ids);
  if (key == "session_id") {
    if (cursor.peek() == 'n') return cursor.skip();
    line.row.has_session = true;
    return cursor.read_id(line.row.session);
  }
  const bool is_prompt = key == "input_length";
  if (!is_prompt && key != "output_length") return cursor.skip();
  line.has_lengths[is_prompt ? 0 : 1] = true;
  return cursor.read_number(is_prompt ? line.row.prompt_tokens : line.row.output_tokens);
}

bool read_line(JsonCursor& cursor, Line& line) {
  line.row = TraceRow();
  line.has_lengths[0] = line.has_lengths[1] = false;
  line.ids.clear();
  if (!cursor.begin_object()) return false;
  std::string_view key;
  while (cursor.next_member(key)) {
    if (!read_member(cursor, key, line)) return false;
  }
  line.row.blocks = line.ids;
  return cursor.is_good();
}

// What a line lacks or says too much of, or nothing. One id more than the prompt has blocks is forgiven.
std::string problem_of(const Line& line, uint32_t block_tokens) {
  if (!line.has_lengths[0] || !line.has_lengths[1])
    return "no input_length or no output_length: rows that have texts instead are not read";
  const double blocks = std::ceil(line.row.prompt_tokens / block_tokens);
  if (static_cast<double>(line.ids.size()) > blocks + 1) {
    return fmt::format("{} hash ids for a prompt of {} tokens: in blocks of {} it has {}", line.ids.size(),
                       line.row.prompt_tokens, block_tokens, blocks);
  }
  return "";
}

}  // namespace

bool is_mooncake_trace(std::string_view text) {
  const std::vector<std::string_view> members = first_members(text);
  // Bailian's traces have the same names, but seconds and other blocks: they are none.
  return has_member(members, "input_length") && has_member(members, "output_length") &&
         !has_member(members, "chat_id");
}

Result<Trace> parse_mooncake_trace(std::string_view text, std::string_view where,
                                   const TraceOptions& options) {
  constexpr const char* kRemedy =
      R"(A line reads like {"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}; )"
      "block_tokens says how long a block is.";
  JsonCursor cursor(text);
  TraceBuilder builder(options, kBlockTokens);
  Line line;
  while (!builder.is_full() && cursor.peek() != '\0') {
    if (!read_line(cursor, line)) return trace_error(cursor, where, "", kRemedy);
    std::string problem = problem_of(line, builder.block_tokens());
    if (problem.empty()) problem = builder.add(line.row);
    if (!problem.empty()) return trace_error(cursor, where, std::move(problem), kRemedy);
  }
  return builder.finish(where);
}

}  // namespace assay
