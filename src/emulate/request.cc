// Requests: what is asked for, and when the answer is due; see server.h.
#include <fmt/format.h>

#include <algorithm>

#include "emulate/server.h"

namespace assay {
namespace {

constexpr uint32_t kUsualTokens = 128;
constexpr size_t kMostIdBytes = 128;

}  // namespace

void EmulateServer::respond(EmulatedConnection& connection, int status, std::string_view body,
                            std::string_view type, std::string_view extra) {
  transmit(connection, http_response(status, type, extra, body, true));
}

// An answer of the server's own, at once: an error.
void EmulateServer::refuse(EmulatedConnection& connection, int status, std::string_view message,
                           std::string_view extra) {
  const std::string fields =
      connection.parser.keep_alive() ? std::string(extra) : std::string(extra) + "Connection: close\r\n";
  respond(connection, status, error_document(status, message), "application/json", fields);
  end_request(connection);
}

void EmulateServer::take_request(EmulatedConnection& connection, Nanos arrival, bool kernel) {
  bool other_method = false;
  const Route* route = find_route(connection.parser.method(), connection.parser.path(), other_method);
  if (route == nullptr) {
    ++summary_.refused_unread;
    return other_method ? refuse(connection, 405, "this path takes another method")
                        : refuse(connection, 404, "there is no such path");
  }
  if (route->inference) return begin_answer(connection, *route, arrival, kernel);
  answer_other(connection, *route);
  end_request(connection);
}

void EmulateServer::answer_other(EmulatedConnection& connection, const Route& route) {
  const std::string_view extra = connection.parser.keep_alive() ? "" : "Connection: close\r\n";
  switch (route.kind) {
    case RouteKind::kModels:
      return respond(connection, 200, models_document(events_), "application/json", extra);
    case RouteKind::kModelInfo:
      return respond(connection, 200, model_info_document(events_, printable(connection.parser.path())),
                     "application/json", extra);
    case RouteKind::kServerInfo:
      return respond(connection, 200, server_info_document(), "application/json", extra);
    case RouteKind::kOfOthers:
      return respond(connection, 404, error_document(404, "there is no such path"), "application/json",
                     extra);
    case RouteKind::kMetrics:
      return respond(connection, 200,
                     metrics_text(events_, timing_->state(), options_.timing.kv_tokens, counters_),
                     "text/plain; version=0.0.4; charset=utf-8", extra);
    default:
      return respond(connection, 200, "", "text/plain", extra);
  }
}

void EmulateServer::choose_length(EmulatedAnswer& answer) const {
  if (!answer.route->streams) {
    answer.tokens = 1;
    return;
  }
  const uint32_t scripted = timing_->answer_tokens(answer.timed.index);
  const uint32_t own = scripted > 0 ? scripted : options_.tokens;
  const std::optional<uint32_t> most = answer.body.max_tokens;
  if (answer.body.ignore_eos || own == 0) {
    answer.tokens = most.value_or(own > 0 ? own : kUsualTokens);
  } else {
    answer.tokens = std::min(own, most.value_or(own));
  }
  answer.finish_reason = most && answer.tokens == *most ? "length" : "stop";
}

// Every request for inference has its row, whatever becomes of it.
void EmulateServer::begin_row(EmulatedConnection& connection, Nanos arrival, bool kernel) {
  EmulatedAnswer& answer = connection.answer;
  answer.timed = {.slot = connection.slot, .index = summary_.requests++, .arrival = arrival};
  answer.fault = fault_for(options_.faults, false, answer.timed.index + 1);
  answer.id = answer_id(answer.timed.index);
  const auto id = connection.parser.field("X-Request-Id");
  answer.request_id = id && id->size() <= kMostIdBytes ? printable(*id, kMostIdBytes)
                                                       : std::string(answer.id.data(), answer.id.size());
  if (!kernel) ++summary_.server_stamped;
  if (!stamps_) return;
  answer.stamp_row = stamps_->begin({.request_id = answer.request_id,
                                     .index = answer.timed.index,
                                     .path = answer.route->path,
                                     .arrival = arrival,
                                     .start = {},
                                     .kernel_stamp = kernel,
                                     .fault = answer.fault == nullptr ? "" : answer.fault->row->name,
                                     .outcome = "",
                                     .end_due = {},
                                     .end_sent = {}});
}

// A request for inference that is not served.
void EmulateServer::refuse_inference(EmulatedConnection& connection, std::string_view message) {
  ++summary_.refused;
  if (StampedRequest* row = stamps_ ? stamps_->row(connection.answer.stamp_row) : nullptr)
    row->outcome = "refused";
  refuse(connection, 400, message);
}

// Whether the fault of this request is an answer of its own.
bool EmulateServer::answer_by_fault(EmulatedConnection& connection) {
  const EmulatedAnswer& answer = connection.answer;
  if (answer.fault == nullptr) return false;
  const bool too_many = answer.fault->kind() == FaultKind::kTooManyRequests;
  if (!too_many && answer.fault->kind() != FaultKind::kServerError) return false;
  ++summary_.faulted;
  if (StampedRequest* row = stamps_ ? stamps_->row(answer.stamp_row) : nullptr)
    row->outcome = answer.fault->row->name;
  if (too_many) {
    refuse(connection, 429, "too many requests (a fault that was asked for)",
           fmt::format("Retry-After: {:.0f}\r\n", answer.fault->seconds));
  } else {
    refuse(connection, 500, "internal error (a fault that was asked for)");
  }
  return true;
}

void EmulateServer::begin_answer(EmulatedConnection& connection, const Route& route, Nanos arrival,
                                 bool kernel) {
  EmulatedAnswer& answer = connection.answer;
  answer = EmulatedAnswer{};
  answer.route = &route;
  begin_row(connection, arrival, kernel);
  // A GET that is echoed has no body.
  Result<RequestBody> body = route.kind == RouteKind::kEcho && connection.body.empty()
                                 ? RequestBody()
                                 : body_parser_.parse(route.kind, connection.body);
  if (!body) return refuse_inference(connection, body.error().what);
  if (body->stream && connection.parser.minor_version() == 0)
    return refuse_inference(connection, "streams need HTTP/1.1");
  answer.body = *body;
  if (const auto stated = connection.parser.field("X-Prompt-Tokens")) {
    const std::optional<int64_t> tokens = parse_integer(*stated);
    if (tokens && *tokens > 0 && *tokens <= 1'000'000)
      answer.body.prompt_tokens = static_cast<uint32_t>(*tokens);
  }
  answer.stream = route.streams && body->stream;
  choose_length(answer);
  answer.timed.prompt_tokens = answer.body.prompt_tokens;
  answer.timed.output_tokens = answer.tokens;
  if (StampedRequest* row = stamps_ ? stamps_->row(answer.stamp_row) : nullptr) {
    row->prompt_tokens = answer.body.prompt_tokens;
    row->output_tokens = answer.tokens;
  }
  if (answer_by_fault(connection)) return;
  if (!timing_->fits(answer.timed))
    return refuse_inference(connection, "prompt and answer have more tokens than the KV cache holds");
  if (answer.fault != nullptr) {
    if (answer.fault->kind() == FaultKind::kFreeze)
      frozen_until_ = std::max(frozen_until_, arrival + nanos_from_seconds(answer.fault->seconds));
    if (answer.fault->kind() == FaultKind::kEmptyOutput && route.streams) answer.tokens = 0;
    answer.fault_at =
        std::min(answer.fault->tokens > 0 ? answer.fault->tokens : std::max(1U, answer.tokens / 2),
                 std::max(1U, answer.tokens) - 1);
  }
  answer.plain = answer.stream && answer.fault == nullptr;
  if (answer.stream) answer.event = &events_.token(route.kind);
  connection.busy = true;
  ++busy_;
  timing_->arrive(answer.timed, admitted_);
  start_admitted();
}

void EmulateServer::start_admitted() {
  for (const Admission& admission : admitted_) {
    EmulatedConnection& connection = *connections_[admission.slot];
    EmulatedAnswer& answer = connection.answer;
    answer.admitted = true;
    answer.due = admission.schedule.first;
    answer.gap = admission.schedule.gap;
    answer.gaps = admission.schedule.gaps;
    counters_.prompt_tokens += answer.body.prompt_tokens;
    if (StampedRequest* row = stamps_ ? stamps_->row(answer.stamp_row) : nullptr)
      row->start = admission.schedule.start;
    if (!answer.stream) {
      // A document is there when its last token is.
      for (answer.next = 0; answer.next + 1 < answer.tokens;) advance_due(answer);
    }
    const bool trickles = answer.fault != nullptr && answer.fault->kind() == FaultKind::kSlowHeaders;
    if (answer.stream && options_.role_chunk == RoleChunk::kEarly && !trickles) {
      scratch_.clear();
      append_opening(connection, scratch_);
      transmit(connection, scratch_);
      answer.head_sent = true;
    }
    push_due(connection);
  }
  admitted_.clear();
}

}  // namespace assay
