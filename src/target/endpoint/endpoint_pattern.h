// EndpointPattern: what the chunks of one stream have in common. A server writes every chunk of an answer
// with the same bytes around a text that changes; once one of them has been decoded, the next ones are read
// by comparing bytes, several times faster than by parsing JSON, and just as exactly: whatever differs in
// anything but the text goes to the decoder.
#pragma once

#include <string>
#include <string_view>

#include "target/endpoint/endpoint_chunk.h"
#include "workload/workload.h"

namespace assay {

class EndpointPattern {
 public:
  // Remembers the bytes around the text of `chunk`, which was decoded from `json`. A chunk that says anything
  // beside its text (a finish, usage, timings, a tool call, an error) or whose text is escaped teaches
  // nothing.
  void learn(std::string_view json, const EndpointChunk& chunk);
  void forget() { before_.clear(); }

  // If `stream`, at the start of an event, begins with a whole event of the pattern: takes it and gives its
  // text, in which nothing is escaped. Else empty, and nothing is taken.
  std::string_view take(std::string_view& stream) const;
  StreamEventKind kind() const { return kind_; }  // of the events that take() finds
  // Has the cache fetch what take() compares.
  void prefetch() const {
    assay::prefetch(before_.data(), before_.size());
    assay::prefetch(after_.data(), after_.size());
  }

 private:
  std::string before_;  // "data: {… "content":""; empty: nothing learned
  std::string after_;   // ""…}\n\n"
  StreamEventKind kind_ = StreamEventKind::kContent;
};

}  // namespace assay
