// EndpointPool: the connections to one server, or to several of them, and what is on its way over them: the
// queue before them, time limits, receive stamps, and which connection is used again. It takes finished bytes
// and gives StreamEvents; of models, sessions and bodies it knows nothing.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/http.h"
#include "os/os.h"
#include "target/endpoint/endpoint_chunk.h"
#include "target/endpoint/endpoint_meter.h"
#include "target/endpoint/endpoint_reply.h"
#include "target/endpoint/endpoint_ways.h"
#include "workload/workload.h"

namespace assay {

// One request as the pool takes it.
struct EndpointRequest {
  RequestId id = 0;        // of no other request that is on its way
  uint32_t server = 0;     // of the pool's, by index
  std::string wire;        // as it goes out, head and body
  Nanos time_limit{};      // for the connection and the send, and again from there to the end of the answer
  size_t kept_bytes = 0;   // so much of its answer's text is wanted, and as much reasoning: see take_answer()
  EndpointRule rule = {};  // how the answer is read
};

// The whole answer to a question.
struct EndpointAnswer {
  StreamEvent event;   // kDone or kFailed
  Error error;         // of a failed connection, with what to do about it
  int status = 0;      // 0: no head of a response has come
  std::string body;    // of what was fetched, or of an HTTP error (its beginning)
  std::string server;  // the Server field, printable
  std::string tls;     // version and cipher; empty: plain
  bool streamed = false, has_usage = false;
  Nanos first_token_at{};  // arrival of its first output; 0: none came
};

// What the pool has seen of its own work, for conditions and doubts.
struct EndpointPoolFacts {
  bool has_stamps = true;  // the kernel stamps what arrives; else events carry the time of the read
  uint64_t reads = 0;      // that brought bytes of an answer
  uint64_t unstamped_reads = 0;
  uint64_t sent_again = 0;   // requests whose idle connection the server had closed
  uint64_t waited = 0;       // requests for which no connection was free for a millisecond and more
  uint32_t clock_jumps = 0;  // of the wall clock, by which the kernel stamps
  Nanos largest_clock_jump{};
};

// Rules. A request is sent at once on an idle connection to its server or on a new one; when all
// max_connections are busy it waits, first come first served whatever their servers, which shows as send lag,
// since kSent comes when the last byte of the request has been given to the kernel. Where max_connections are
// open and none of the idle ones leads to its server, one of those is closed for it. Events carry the
// kernel's receive stamp of the segment that completed them, where there is one. A request on a connection
// that had lain idle and closes before a byte of an answer is sent again, once and on a new connection; all
// other failures are the request's. One thread only: the one that created it.
class EndpointPool {
 public:
  struct Options {
    std::vector<EndpointServer> servers;  // at least one
    std::optional<TlsContext> tls;        // for those of https; null where there are none
    std::string secret;                   // hidden wherever a server repeats it; empty: none
    uint32_t max_connections = 256;       // at once, to all servers together; at least one
  };
  // Connects nothing yet. Fails where the kernel gives no event loop.
  static Result<std::unique_ptr<EndpointPool>> create(Options options, Clock& clock);
  ~EndpointPool();
  EndpointPool(const EndpointPool&) = delete;
  EndpointPool& operator=(const EndpointPool&) = delete;

  // Takes the request without waiting. It ends with a kDone or a kFailed event, whatever happens, unless it
  // is withdrawn.
  void submit(EndpointRequest request);
  // Its kFailed event (kCancelled) still comes; a busy connection is closed, as HTTP/1.1 has no other way to
  // stop an answer. Unknown and ended ids are ignored.
  void cancel(RequestId id);
  // Gives up the requests that wait for a connection: no event of theirs will come.
  std::vector<RequestId> withdraw_waiting();
  // Waits until there is an event or `until` has come, and appends all events that are there. Returning early
  // with none is allowed. An error means that nothing can be waited for any more.
  Result<void> poll(Nanos until, std::vector<StreamEvent>& events);
  // The text of an answer that was to be kept: once, from its kDone on. Kept until it is taken.
  EndpointText take_answer(RequestId id);

  // Sends a request while no other is on its way and waits for its end, without giving events. A failed
  // request is an answer; an error means that the pool is lost or that `interrupted` (asked ten times a
  // second; may be empty) said so.
  Result<EndpointAnswer> ask(EndpointRequest request, const std::function<bool()>& interrupted);

  // Connects to the next address of the server's host from now on. False if there is none.
  bool use_next_address(uint32_t server = 0) { return ways_.use_next_address(server); }
  const SocketAddress& address(uint32_t server = 0) const { return ways_.address(server); }

  // What facts() and close() tell begins anew.
  void restart_measuring();
  EndpointPoolFacts facts() const;
  // What it measured of its own work. Closes all connections: nothing may be on its way.
  std::vector<Record> close();

 private:
  struct Work;
  struct Channel;

  EndpointPool(Options options, EventLoop loop, Clock& clock);
  void start_waiting();
  void start(std::unique_ptr<Work> work);
  Channel* open_channel(const Work& work);
  void assign(Channel& channel, std::unique_ptr<Work> work);
  void take(const LoopEvent& event);
  void advance(Channel& channel);
  void note_sent(Channel& channel, Nanos now);
  void read(Channel& channel);
  void read_all(Channel& channel);
  bool take_bytes(Channel& channel, std::string_view bytes, Nanos realtime);
  void lost(Channel& channel, bool end_of_input);
  void send_again(Channel& channel);
  void time_out(Channel& channel);
  bool after_reply(Channel& channel, EndpointReply::State state, size_t first_event);
  void answered(Channel& channel, const StreamEvent& event);
  EndpointAnswer whole_answer(const Channel& channel, const StreamEvent& event) const;
  bool release(Channel& channel);
  void drop(uint64_t token);
  void fail_work(const Work& work, FailureCause cause, std::string_view detail, Error error = {});
  Nanos stamp(Nanos realtime, Nanos now, const Work& work) const;
  bool is_full() const { return channels_.size() >= options_.max_connections; }

  Options options_;
  Clock& clock_;
  EventLoop loop_;
  EndpointWays ways_;
  std::unique_ptr<char[]> buffer_;  // with room behind it for SIMD reads
  EndpointChunkDecoder decoder_;
  ClockOffset offset_;
  FileDescriptor stamp_keeper_;  // the kernel stamps only while some socket asks for it, and begins late
  EndpointPoolFacts facts_;
  EndpointMeter meter_;
  // What one read of a socket brought.
  struct {
    Nanos now, at, previous;
    size_t chunks;
    bool is_stamped, is_noted;
  } arrival_{};
  SlotTable<Channel> channels_;  // by their tokens: every event that comes is looked up here
  std::deque<std::unique_ptr<Work>> waiting_;
  std::unordered_map<RequestId, uint64_t> busy_;  // to the channel's token
  std::vector<LoopEvent> loop_events_;
  std::vector<StreamEvent> pending_;
  std::unordered_map<RequestId, EndpointText> answers_;  // kept until they are taken
  std::optional<EndpointAnswer> whole_answer_;           // to ask()
};

}  // namespace assay
