// EndpointReply: the answer to one request, from the bytes of the response to StreamEvents. No I/O.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http.h"
#include "target/endpoint/endpoint_check.h"
#include "target/endpoint/endpoint_chunk.h"
#include "target/endpoint/endpoint_pattern.h"
#include "workload/workload.h"

namespace assay {

// What an answer said. Not whole where a part of it was no text (a tool call), could not be read as one (half
// of a surrogate pair), or is not kept: of several choices all but the last, and what goes beyond the bytes
// that were asked for.
inline constexpr size_t kMaxAnswerBytes = size_t{16} << 20;  // of content, and of reasoning
struct EndpointText {
  std::string content, reasoning;
  bool is_whole = true;
  uint64_t chunks = 0;  // of output; set when it is taken
};

// Rules. A chunk with content, reasoning or a tool call is a kContent or kReasoning event, or one more of the
// chunks of the event before, where that has the same stamp; role-only and empty chunks are none. An answer
// is whole when the server says so: [DONE], a finish_reason, or usage, followed by a proper end of the body.
// With [DONE] its kDone comes at once, and the rest of the body is only waited for to use the connection
// again. A server that ignores `stream` and sends one JSON document gets one kContent event, at its last
// byte, with all tokens. An answer that is a document by its rule gets one kContent event without tokens, and
// then what its reader found. The last timings of its own that a server tells in a stream go with kDone.
class EndpointReply {
 public:
  enum class State {
    kComing,    // more bytes are needed
    kAnswered,  // kDone or kFailed has been appended; the body goes on
    kOver,      // the response has ended, kDone or kFailed has been appended: look at keep_alive()
  };

  // `secret` lives as long as this: some servers repeat the key in what they say, and it must not be kept.
  explicit EndpointReply(EndpointChunkDecoder& decoder, std::string_view secret = {})
      : decoder_(decoder), secret_(secret) {}

  // For a request to come: the one before must be kOver, or none has begun. `kept_bytes`: so much of
  // its content, and of its reasoning, is kept for take_answer(). What is fetched is a plain body: its one
  // event is kDone, whatever the status.
  void begin(RequestId id, size_t kept_bytes, const EndpointRule& rule = {});

  // `at` becomes the stamp of the events in `bytes`; EndpointChunkDecoder::kPadding bytes behind `bytes` must
  // be readable.
  State receive(std::string_view bytes, Nanos at, std::vector<StreamEvent>& events);
  State end_of_input(Nanos at, std::vector<StreamEvent>& events);  // the connection has ended
  // Has the cache fetch what receive() needs. Of thousands of streams each is cold when its next event comes,
  // and the read of its socket is time enough.
  void prefetch() const {
    assay::prefetch(this, sizeof *this);
    pattern_.prefetch();
  }

  bool started() const { return parser_.started(); }  // a byte of the response has come
  bool answered() const { return answered_; }
  bool keep_alive() const { return parser_.keep_alive() && !broken_; }
  int status() const { return status_; }  // 0 before the head
  EndpointText take_answer() { return std::exchange(answer_, {}); }
  const std::string& body() const { return body_; }      // of a fetch, or of an HTTP error (its beginning)
  const std::string& server() const { return server_; }  // the Server field, printable
  bool streamed() const { return kind_ == Kind::kStream; }
  bool has_usage() const { return has_usage_; }
  uint64_t chunks() const { return chunks_; }  // of output, so far

 private:
  enum class Kind { kUnknown, kStream, kDocument, kChecked, kError, kFetch };

  State step(ResponseParser::Step step, Nanos at, std::vector<StreamEvent>& events);
  void take_head(Nanos at, std::vector<StreamEvent>& events);
  void take_body(std::string_view bytes, Nanos at, std::vector<StreamEvent>& events);
  void take_http_chunks(std::string_view& bytes, Nanos at, std::vector<StreamEvent>& events);
  void take_stream(std::string_view bytes, Nanos at, std::vector<StreamEvent>& events);
  void take_chunk(std::string_view json, Nanos at, std::vector<StreamEvent>& events);
  void end_body(Nanos at, std::vector<StreamEvent>& events);
  void take_document(Nanos at, std::vector<StreamEvent>& events);
  void check_document(Nanos at, std::vector<StreamEvent>& events);
  void keep_text(std::string_view text, std::string& where);
  void keep_chunk();
  void add_content(StreamEventKind kind, uint32_t tokens, Nanos at, std::vector<StreamEvent>& events);
  void done(Nanos at, std::vector<StreamEvent>& events);
  void failed(FailureCause cause, std::string detail, Nanos at, std::vector<StreamEvent>& events);

  EndpointChunkDecoder& decoder_;
  std::string_view secret_;
  ResponseParser parser_;
  SseParser sse_;
  EndpointPattern pattern_;
  RequestId id_ = 0;
  Kind kind_ = Kind::kUnknown;
  EndpointRule rule_;
  size_t kept_bytes_ = 0;
  bool wants_text_ = false, answered_ = false, broken_ = false;
  bool has_content_ = false, finished_ = false, has_usage_ = false;
  int status_ = 0;
  uint32_t prompt_tokens_ = 0, output_tokens_ = 0;
  Nanos server_prompt_{}, server_tpot_{};
  uint64_t ignored_bytes_ = 0, chunks_ = 0;
  EndpointChunk chunk_;
  EndpointText answer_;
  std::string body_, server_;
};

// The message of an error body in whatever form servers give it, printable and at most 200 bytes.
std::string endpoint_error_words(std::string_view body);
// Puts *** in the place of `secret` in `text`, also where the text was cut within it.
void hide(std::string_view secret, std::string& text);

}  // namespace assay
