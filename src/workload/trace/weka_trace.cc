// Weka's KV cache traces, in two layouts. Flat: JSON lines of id, t (s), in, out, hash_ids, each a request at
// its instant. Nested: objects of id, block_size, hash_id_scope, requests: [{t, type, in, out, hash_ids, …}],
// each a conversation whose instants count from its own start; `in` and hash_ids are all that the server
// gets, the history included. A conversation's requests are sent one after the other, those nested in it
// where they stand. Blocks have 64 tokens unless stated.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "workload/trace/trace_json.h"

namespace assay {
namespace {

constexpr uint32_t kWekaBlockTokens = 64;
constexpr double kNsPerS = 1e9;
// Conversations whose hash ids are their own are told apart by this and their id.
constexpr uint64_t kLocalScope = 0x77656b61;

// What an object says beside its requests.
struct Head {
  uint64_t scope = 0;  // 0: ids mean the same in the whole file
  double block_tokens = 0;
  bool has_requests = false;
};

struct Call {
  std::optional<double> t_s, api_s, think_s, in, out;
  std::vector<uint64_t> ids;
};

bool read_seconds(JsonCursor& cursor, std::optional<double>& out) {
  if (cursor.peek() == 'n') return cursor.skip();
  double value = 0;
  if (!cursor.read_number(value)) return false;
  if (!trace_nanos(value, kNsPerS)) return cursor.fail("a time that is negative or beyond all bounds");
  out = value;
  return true;
}

bool read_count(JsonCursor& cursor, std::optional<double>& out) {
  double value = 0;
  if (!cursor.read_number(value)) return false;
  out = value;
  return true;
}

// One member of a request.
bool read_call_member(JsonCursor& cursor, std::string_view key, uint64_t scope, Call& call) {
  if (key == "t") return read_seconds(cursor, call.t_s);
  if (key == "api_time") return read_seconds(cursor, call.api_s);
  if (key == "think_time") return read_seconds(cursor, call.think_s);
  if (key == "in") return read_count(cursor, call.in);
  if (key == "out") return read_count(cursor, call.out);
  if (key == "hash_ids" && cursor.peek() != 'n') return read_hash_ids(cursor, scope, call.ids);
  return cursor.skip();
}

// What an object says of itself, wherever in it that stands. `cursor` is a copy.
bool read_head(JsonCursor cursor, Head& head) {
  uint64_t id = 0;
  bool is_local = false;
  std::string_view key, scope;
  head = Head();
  if (!cursor.begin_object()) return false;
  while (cursor.next_member(key)) {
    bool good = true;
    if (key == "id") {
      good = cursor.read_id(id);
    } else if (key == "hash_id_scope" && cursor.peek() == '"') {
      good = cursor.read_string(scope);
      is_local = scope == "local";
    } else if (key == "block_size" && cursor.peek() != 'n') {
      good = cursor.read_number(head.block_tokens);
    } else {
      head.has_requests |= key == "requests";
      good = cursor.skip();
    }
    if (!good) return false;
  }
  if (is_local) head.scope = Random(kLocalScope, id, 0).next() | 1;
  return true;
}

class WekaReader {
 public:
  WekaReader(std::string_view text, const TraceOptions& options)
      : cursor_(text), builder_(options, kWekaBlockTokens) {}

  // The whole text; false if something is wrong with it.
  bool read() {
    while (!builder_.is_full() && cursor_.peek() != '\0') {
      ++conversation_;
      Head head;
      // Where the head is broken the second reading finds the same, and says where.
      if (read_head(cursor_, head) && head.block_tokens > 0 && head.block_tokens != builder_.block_tokens()) {
        problem_ = fmt::format("block_size is {}, not {}: say so by block_tokens", head.block_tokens,
                               builder_.block_tokens());
        return false;
      }
      is_nested_ |= head.has_requests;
      if (!(head.has_requests ? read_conversation(head.scope) : read_flat(head.scope))) return false;
    }
    return cursor_.is_good();
  }

  std::unexpected<Error> error(std::string_view where) const {
    return trace_error(
        cursor_, where, problem_,
        R"(A line reads like {"id": "a", "t": 0.5, "in": 1000, "out": 20, "hash_ids": [1, 2]}, )"
        R"(or {"id": "a", "hash_id_scope": "local", "requests": [{"t": 0.5, "in": …}]}.)");
  }

  Result<Trace> finish(std::string_view where) {
    ASSIGN_OR_RETURN(Trace trace, builder_.finish(where));
    trace.turns_add = !is_nested_;
    return trace;
  }

 private:
  bool add(const Call& call, const TraceRow& prepared) {
    TraceRow row = prepared;
    if (!call.in || !call.out) {
      problem_ = "a request without in or out";
      return false;
    }
    row.prompt_tokens = *call.in;
    row.output_tokens = *call.out;
    row.blocks = call.ids;
    problem_ = builder_.add(row);
    return problem_.empty();
  }

  bool read_flat(uint64_t scope) {
    std::string_view key;
    call_ = Call();
    if (!cursor_.begin_object()) return false;
    while (cursor_.next_member(key)) {
      if (!read_call_member(cursor_, key, scope, call_)) return false;
    }
    if (!cursor_.is_good()) return false;
    TraceRow row;
    if (call_.t_s) row.at_ns = trace_nanos(*call_.t_s, kNsPerS);
    return add(call_, row);
  }

  bool read_conversation(uint64_t scope) {
    std::string_view key;
    end_s_.reset();
    if (!cursor_.begin_object()) return false;
    while (cursor_.next_member(key)) {
      if (!(key == "requests" ? read_requests(scope) : cursor_.skip())) return false;
    }
    return cursor_.is_good();
  }

  bool read_requests(uint64_t scope) {
    if (!cursor_.begin_array()) return false;
    while (cursor_.next_item()) {
      // Beyond the limit nothing counts, but the conversation must end.
      if (!(builder_.is_full() ? cursor_.skip() : read_request(scope))) return false;
    }
    return cursor_.is_good();
  }

  // A request, or an object with requests of its own.
  bool read_request(uint64_t scope) {
    std::string_view key;
    Call call;
    bool is_nested = false;
    if (!cursor_.begin_object()) return false;
    while (cursor_.next_member(key)) {
      if (key == "requests" && cursor_.peek() == '[') {
        is_nested = true;
        end_s_.reset();
        if (!read_requests(scope)) return false;
        end_s_.reset();  // its clock may be another
      } else if (!read_call_member(cursor_, key, scope, call)) {
        return false;
      }
    }
    if (!cursor_.is_good() || is_nested) return cursor_.is_good();
    TraceRow row{.has_session = true, .session = conversation_};
    row.pause_ns = trace_nanos(pause_s(call), kNsPerS);
    end_s_.reset();
    if (call.t_s) end_s_ = *call.t_s + call.api_s.value_or(0);
    return add(call, row);
  }

  // Between the answer before and this request, as the client counted it, or as the instants tell.
  double pause_s(const Call& call) const {
    if (call.think_s) return *call.think_s;
    return call.t_s && end_s_ ? std::max(0.0, *call.t_s - *end_s_) : 0;
  }

  JsonCursor cursor_;
  TraceBuilder builder_;
  Call call_;
  std::optional<double> end_s_;  // of the answer before, on the clock of the request that follows
  uint64_t conversation_ = 0;
  bool is_nested_ = false;
  std::string problem_;
};

}  // namespace

bool is_weka_trace(std::string_view text) {
  const std::vector<std::string_view> members = first_members(text);
  return (has_member(members, "in") && has_member(members, "out")) ||
         (has_member(members, "requests") && has_member(members, "id"));
}

Result<Trace> parse_weka_trace(std::string_view text, std::string_view where, const TraceOptions& options) {
  WekaReader reader(text, options);
  if (!reader.read()) return reader.error(where);
  return reader.finish(where);
}

}  // namespace assay
