// Answers: what is sent when it is due; see server.h.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "emulate/server.h"

namespace assay {
namespace {

constexpr uint32_t kHeadPieces = 10;

bool has_fault(const EmulatedAnswer& answer, FaultKind kind) {
  return answer.fault != nullptr && answer.fault->kind() == kind;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

// The way of all but the first and the last events of a stream: patch, send, note, and back into the queue.
void EmulateServer::emit(EmulatedConnection& connection, Nanos now) {
  EmulatedAnswer& answer = connection.answer;
  if (!connection.pending.empty()) {
    connection.blocked = true;
    return due_.pop();
  }
  const bool in_the_middle = answer.plain && answer.next > 0 && answer.next + 1 < answer.tokens;
  if (!in_the_middle) {
    due_.pop();
    return answer.stream ? emit_slowly(connection, now) : emit_document(connection, now);
  }
  answer.event->patch(answer.id, answer.next);
  transmit(connection, answer.event->bytes);
  note_event(answer, now, 1);
  advance_due(answer);
  due_.replace_top({answer.due, connection.slot, connection.generation});
}

void EmulateServer::advance_due(EmulatedAnswer& answer) {
  answer.due += answer.next < answer.gaps.size() ? answer.gaps[answer.next] : answer.gap;
  ++answer.next;
}

void EmulateServer::note_event(EmulatedAnswer& answer, Nanos sent, uint32_t tokens) {
  // While the server is frozen nothing is due; what would have been is due at the end.
  const Nanos due = std::max(answer.due, frozen_until_);
  ++summary_.events;
  summary_.tokens += tokens;
  counters_.generation_tokens += tokens;
  if (due < answer.held_until) {
    ++summary_.held_events;
  } else {
    summary_.lateness_ns.add((sent - due).count);
  }
  if (stamps_) stamps_->event(answer.stamp_row, due, sent, tokens);
}

std::string EmulateServer::head_of(const EmulatedConnection& connection) const {
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
      "X-Request-Id: {}\r\n{}Transfer-Encoding: chunked\r\n\r\n",
      connection.answer.request_id, connection.parser.keep_alive() ? "" : "Connection: close\r\n");
}

void EmulateServer::append_opening(const EmulatedConnection& connection, std::string& out) const {
  out += head_of(connection);
  if (options_.role_chunk != RoleChunk::kNone)
    events_.append_opening(connection.answer.route->kind, connection.answer.id, out);
}

Usage EmulateServer::usage_of(const EmulatedAnswer& answer) const {
  Usage usage{.prompt_tokens = answer.body.prompt_tokens,
              .completion_tokens = answer.route->streams ? answer.tokens : 0};
  if (has_fault(answer, FaultKind::kWrongUsage)) usage.completion_tokens += 7;
  return usage;
}

void EmulateServer::append_closing(const EmulatedAnswer& answer, std::string& out) const {
  events_.append_closing(answer.route->kind, answer.id,
                         {.finish_reason = answer.finish_reason,
                          .usage = usage_of(answer),
                          .include_usage = answer.body.include_usage},
                         out);
}

// `count` tokens from the next one on. Returns where in `out` the segment is to be cut, or 0.
size_t EmulateServer::append_tokens(EmulatedAnswer& answer, uint32_t count, std::string& out) {
  if (answer.fault == nullptr) {
    const size_t begin = out.size(), size = answer.event->bytes.size();
    answer.event->patch(answer.id, 0);
    out.resize(begin + size * count);
    char* at = out.data() + begin;
    for (uint32_t i = 0; i < count; ++i, at += size) {
      std::memcpy(at, answer.event->bytes.data(), size);
      std::memcpy(at + answer.event->word_at, token_word(answer.next + i).data(), kTokenBytes);
    }
    return 0;
  }
  size_t cut = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const bool huge = has_fault(answer, FaultKind::kHugeLine) && answer.next + i == answer.fault_at;
    const bool split = has_fault(answer, FaultKind::kSplitUtf8);
    const std::string word = huge    ? std::string(answer.fault->bytes, 'x')
                             : split ? std::string(" \xe6\x97\xa5\xe6\x9c\xac")
                                     : std::string(token_word(answer.next + i));
    std::string text = events_.token_event(answer.route->kind, answer.id, word);
    if (has_fault(answer, FaultKind::kCrLf)) replace_all(text, "\n", "\r\n");
    if (split) {
      const size_t within = text.find('\xe6') + 1;
      append_chunk(std::string_view(text).substr(0, within), out);
      cut = out.size();
      text.erase(0, within);
    }
    append_chunk(text, out);
  }
  return cut;
}

// Sends the next tenth of a head that trickles; false when all of it is sent.
bool EmulateServer::trickle_head(EmulatedConnection& connection, std::string_view head) {
  EmulatedAnswer& answer = connection.answer;
  if (!has_fault(answer, FaultKind::kSlowHeaders) || answer.head_pieces == kHeadPieces) return false;
  const size_t from = head.size() * answer.head_pieces / kHeadPieces;
  const size_t to = head.size() * ++answer.head_pieces / kHeadPieces;
  transmit(connection, head.substr(from, to - from));
  answer.due += nanos_from_seconds(answer.fault->seconds / kHeadPieces);
  push_due(connection);
  return true;
}

// Before the token at which the fault of this answer acts. True: nothing is sent now.
bool EmulateServer::act_fault(EmulatedConnection& connection, Nanos now) {
  EmulatedAnswer& answer = connection.answer;
  if (answer.fault == nullptr || answer.fault_done || answer.next != answer.fault_at) return false;
  answer.fault_done = true;
  switch (answer.fault->kind()) {
    case FaultKind::kReset:
    case FaultKind::kHalfStream: {
      if (!scratch_.empty()) transmit(connection, scratch_);
      const bool reset = answer.fault->kind() == FaultKind::kReset;
      leave(connection, answer.due, now, answer.fault->row->name);
      close_connection(connection, reset);
      return true;
    }
    case FaultKind::kStall:
      if (!scratch_.empty()) transmit(connection, scratch_);
      answer.due += nanos_from_seconds(answer.fault->seconds);
      push_due(connection);
      return true;
    case FaultKind::kMalformed:
      append_chunk("data: {\"id\":\"chatcmpl-broken\",\"choices\":[{\"delta\":{\"content\":\n\n", scratch_);
      return false;
    default:
      return false;
  }
}

// The first event of a stream, the last, every one of an answer with a fault, and answers that come at once.
void EmulateServer::emit_slowly(EmulatedConnection& connection, Nanos now) {
  EmulatedAnswer& answer = connection.answer;
  scratch_.clear();
  if (!answer.head_sent) {
    if (trickle_head(connection, head_of(connection))) return;
    append_opening(connection, scratch_);
    if (answer.head_pieces > 0) scratch_.erase(0, head_of(connection).size());
    answer.head_sent = true;
  }
  if (act_fault(connection, now)) return;
  const bool at_once = answer.gap == Nanos() && answer.gaps.empty();
  const uint32_t left = answer.tokens - answer.next;
  const uint32_t count = at_once && answer.fault == nullptr ? left : std::min(left, 1U);
  const size_t cut = append_tokens(answer, count, scratch_);
  const bool last = count == left;
  if (last) append_closing(answer, scratch_);
  const std::string_view bytes = scratch_;
  now = clock_.now();  // putting the bytes together took its time
  if (cut > 0) transmit(connection, bytes.substr(0, cut));
  transmit(connection, bytes.substr(cut));
  note_event(answer, now, count);
  if (last) return end_answer(connection, now, "done");
  advance_due(answer);
  push_due(connection);
}

DocumentRequest EmulateServer::document_of(const EmulatedConnection& connection) const {
  const EmulatedAnswer& answer = connection.answer;
  const uint32_t items = answer.body.items;
  return {.kind = answer.route->kind,
          .id = answer.id,
          .usage = usage_of(answer),
          .finish_reason = answer.finish_reason,
          .items = items,
          .dimensions = answer.body.dimensions,
          .base64 = answer.body.base64,
          .results = answer.body.top_n > 0 ? std::min(answer.body.top_n, items) : items,
          .method = connection.parser.method(),
          .path = connection.parser.path(),
          .request_id = answer.request_id,
          .body = connection.body};
}

void EmulateServer::emit_document(EmulatedConnection& connection, Nanos now) {
  EmulatedAnswer& answer = connection.answer;
  if (has_fault(answer, FaultKind::kStall) && !answer.fault_done) {
    answer.fault_done = true;
    answer.due += nanos_from_seconds(answer.fault->seconds);
    return push_due(connection);
  }
  std::string document = answer_document(events_, document_of(connection));
  if (has_fault(answer, FaultKind::kMalformed)) document.resize(document.size() / 2);
  const std::string bytes =
      http_response(200, "application/json", "X-Request-Id: " + answer.request_id + "\r\n", document,
                    connection.parser.keep_alive());
  const size_t head = bytes.size() - document.size();
  if (trickle_head(connection, std::string_view(bytes).substr(0, head))) return;
  if (has_fault(answer, FaultKind::kReset) || has_fault(answer, FaultKind::kHalfStream)) {
    transmit(connection, std::string_view(bytes).substr(0, head + document.size() / 2));
    const bool reset = has_fault(answer, FaultKind::kReset);
    leave(connection, answer.due, now, answer.fault->row->name);
    return close_connection(connection, reset);
  }
  now = clock_.now();  // putting the document together took its time
  transmit(connection, std::string_view(bytes).substr(answer.head_pieces > 0 ? head : 0));
  note_event(answer, now, answer.route->streams ? answer.tokens : 0);
  end_answer(connection, now, "done");
}

void EmulateServer::leave(EmulatedConnection& connection, Nanos at, Nanos now, const char* outcome) {
  EmulatedAnswer& answer = connection.answer;
  const std::string_view said(outcome);
  if (said == "cancelled") {
    ++summary_.cancelled;
  } else if (said == "done" && answer.fault == nullptr) {
    ++summary_.answered;
    ++counters_.requests;
  } else {
    ++summary_.faulted;
  }
  if (StampedRequest* row = stamps_ ? stamps_->row(answer.stamp_row) : nullptr) {
    row->outcome = outcome;
    row->end_due = std::max(answer.due, frozen_until_);
    row->end_sent = now;
  }
  connection.busy = false;
  --busy_;
  timing_->leave(answer.timed, answer.admitted, at, admitted_);
  start_admitted();
}

void EmulateServer::end_answer(EmulatedConnection& connection, Nanos now, const char* outcome) {
  leave(connection, connection.answer.due, now, outcome);
  const uint32_t generation = connection.generation;
  end_request(connection);
  if (connection.generation == generation) serve_early(connection);
}

}  // namespace assay
