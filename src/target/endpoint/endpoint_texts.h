// EndpointTexts: a uniform sample of the requests of a trial, whose answers are kept as text until its end,
// for what is to be counted in them when nothing is measured any more.
#pragma once

#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "target/endpoint/endpoint_reply.h"
#include "target/target.h"

namespace assay {

// Which requests are drawn is a function of (seed, id) and of which there were: those whose draws are the
// smallest, so that the sample is uniform without knowing how many will come. Of a request that loses its
// place to a later one, the text is let go. Memory: 1 MiB a text and 48 MiB at most, and of requests that are
// too long only that they were. One thread only.
class EndpointTexts {
 public:
  EndpointTexts(size_t count, uint64_t seed) : count_(count), seed_(seed) {}

  // Before it is sent: true if its answer is to be kept.
  bool wants(const Request& request);
  bool has(RequestId id) const { return kept_.contains(id); }
  void answered(const StreamEvent& done, EndpointText text);
  void failed(RequestId id) { kept_.erase(id); }
  void restart();
  // Those that were answered, by id.
  std::vector<AnswerText> take(const PromptCutter& cutter);

 private:
  struct Kept {
    Request request;
    bool is_answered = false;
    AnswerText text;
  };
  static size_t bytes_of(const Kept& kept) { return kept.text.content.size() + kept.text.reasoning.size(); }
  void drop(RequestId id);

  size_t count_;
  uint64_t seed_;
  std::priority_queue<std::pair<uint64_t, RequestId>> drawn_;  // the largest draw first
  std::unordered_map<RequestId, Kept> kept_;
  size_t bytes_ = 0;
};

}  // namespace assay
