// EmulateServer: the emulator's one loop over connections and due instants. Private to emulate. server.cc
// holds the loop, input.cc connections and their bytes, request.cc what is asked for, answer.cc what is sent.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulate/connection.h"
#include "emulate/documents.h"
#include "emulate/due_queue.h"
#include "emulate/emulate.h"

namespace assay {

class EmulateServer final : public Emulator {
 public:
  static Result<std::unique_ptr<Emulator>> create(const EmulatorOptions& options, Clock& clock);

  std::string url() const override;
  int64_t connection_limit() const override { return static_cast<int64_t>(connection_limit_); }
  Result<void> run(const std::function<bool()>& stopped) override;
  const EmulatorSummary& summary() const override { return summary_; }

 private:
  EmulateServer(const EmulatorOptions& options, Clock& clock, EventLoop loop, StreamEvents events)
      : options_(options), clock_(clock), loop_(std::move(loop)), events_(std::move(events)) {}
  Result<void> listen();

  // The loop (server.cc).
  void send_due(bool may_spin);
  void handle(const LoopEvent& event);
  void do_chores(Nanos now);
  Nanos wake_at(Nanos now) const;
  bool at_end(Nanos now) const;
  Result<void> finish();

  // Connections and their input (input.cc).
  void accept_all();
  void open_connection(FileDescriptor fd);
  void close_connection(EmulatedConnection& connection, bool reset = false);
  void close_when_sent(EmulatedConnection& connection);
  EmulatedConnection* find(uint64_t token) const;
  void read(EmulatedConnection& connection);
  void take_ciphertext(EmulatedConnection& connection, std::string_view bytes, Nanos arrival, bool kernel);
  void take_plaintext(EmulatedConnection& connection, std::string_view bytes, Nanos arrival, bool kernel);
  void watch_time(EmulatedConnection& connection, uint64_t request);
  void end_request(EmulatedConnection& connection);
  void serve_early(EmulatedConnection& connection);
  void write_pending(EmulatedConnection& connection);
  void transmit(EmulatedConnection& connection, std::string_view bytes);
  void transmit_raw(EmulatedConnection& connection, std::string_view bytes);

  // Requests (request.cc).
  void take_request(EmulatedConnection& connection, Nanos arrival, bool kernel);
  void answer_other(EmulatedConnection& connection, const Route& route);
  void begin_answer(EmulatedConnection& connection, const Route& route, Nanos arrival, bool kernel);
  void begin_row(EmulatedConnection& connection, Nanos arrival, bool kernel);
  bool answer_by_fault(EmulatedConnection& connection);
  void refuse_inference(EmulatedConnection& connection, std::string_view message);
  void choose_length(EmulatedAnswer& answer) const;
  void refuse(EmulatedConnection& connection, int status, std::string_view message,
              std::string_view extra = "");
  void respond(EmulatedConnection& connection, int status, std::string_view body, std::string_view type,
               std::string_view extra);
  void start_admitted();

  // Answers (answer.cc).
  void emit(EmulatedConnection& connection, Nanos now);
  void emit_slowly(EmulatedConnection& connection, Nanos now);
  void emit_document(EmulatedConnection& connection, Nanos now);
  bool trickle_head(EmulatedConnection& connection, std::string_view bytes);
  bool act_fault(EmulatedConnection& connection, Nanos now);
  size_t append_tokens(EmulatedAnswer& answer, uint32_t count, std::string& out);
  void append_opening(const EmulatedConnection& connection, std::string& out) const;
  void append_closing(const EmulatedAnswer& answer, std::string& out) const;
  Usage usage_of(const EmulatedAnswer& answer) const;
  DocumentRequest document_of(const EmulatedConnection& connection) const;
  std::string head_of(const EmulatedConnection& connection) const;
  void note_event(EmulatedAnswer& answer, Nanos sent, uint32_t tokens);
  void advance_due(EmulatedAnswer& answer);
  void push_due(const EmulatedConnection& connection) {
    due_.push({connection.answer.due, connection.slot, connection.generation});
  }
  void end_answer(EmulatedConnection& connection, Nanos now, const char* outcome);
  void leave(EmulatedConnection& connection, Nanos at, Nanos now, const char* outcome);

  const EmulatorOptions options_;
  Clock& clock_;
  EventLoop loop_;
  StreamEvents events_;
  Listener listener_;
  Nanos listen_again_at_ = kNever;
  std::unique_ptr<TimingModel> timing_;
  std::optional<TlsServerContext> tls_, untrustworthy_;
  std::optional<StampBook> stamps_;
  ClockOffset offset_;
  RequestBodyParser body_parser_;

  std::vector<std::unique_ptr<EmulatedConnection>> connections_;
  std::vector<uint32_t> free_slots_;
  size_t open_connections_ = 0, connection_limit_ = 0;
  size_t busy_ = 0, writing_ = 0;  // connections with an answer under way, or with bytes that wait
  // Connections that have begun a handshake or a request, in the order in which their time is up.
  struct Deadline {
    Nanos at;
    uint32_t slot, generation;
    uint64_t request;
  };
  std::deque<Deadline> deadlines_;

  DueQueue due_;
  Nanos frozen_until_{};
  std::vector<LoopEvent> ready_;
  std::vector<Admission> admitted_;
  std::vector<char> buffer_;
  std::string plaintext_, ciphertext_, scratch_;
  EmulatorSummary summary_;
  MetricCounters counters_;
  Nanos began_{}, cpu_began_{};
};

}  // namespace assay
