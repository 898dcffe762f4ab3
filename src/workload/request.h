// What goes to a target and what comes back: one Request, and the StreamEvents that answer it. Every kind of
// target, the engine's worker, the load generator and the simulator speak in these words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// Unique within a trial; 0 is never used.
using RequestId = uint64_t;

// A stretch of a prompt: `tokens` tokens of a corpus from the place that `seed` gives (modulo its length). A
// shorter stretch of the same seed is the beginning of a longer one.
struct PromptPart {
  uint64_t seed = 0;
  uint32_t tokens = 0;

  bool operator==(const PromptPart&) const = default;
};

// One request as the plan drew it. The prompt is a recipe, not text: the target takes `prompt_tokens` tokens
// of the corpus `corpus` from a place given by `prompt_seed` (modulo its length), counted by the model's own
// tokenizer where it has one. A turn of a session is preceded by all earlier turns and their answers, which
// the target keeps until the session's last turn has ended.
struct Request {
  RequestId id = 0;
  uint32_t class_index = 0;  // into the traffic classes of the plan
  uint32_t server = 0;       // of a target with several: which one; all turns of a session have the same
  uint64_t session = 0;      // 0: a request on its own
  uint32_t turn = 0;         // 0-based
  bool last_turn = true;
  std::string_view corpus;  // "prose" or "code"; refers to static text
  uint64_t prompt_seed = 0;
  uint32_t prefix_tokens =
      0;  // of the prompt, the first so many come from `prefix_seed`: shared between requests
  uint64_t prefix_seed = 0;
  // What the prefix is made of where that is more than one stretch: together prefix_tokens, none of them
  // empty. `prefix_seed` then only names it: requests with the same one have the same prefix, as far as both
  // go.
  std::vector<PromptPart> prefix_parts;
  uint32_t prompt_tokens = 0;  // new ones of this turn, the shared prefix included; > 0
  uint32_t output_tokens = 0;  // exactly this many are asked for (end-of-text is ignored); > 0
  // The user breaks it off when so many chunks of output have come, or so long after it was due. Targets need
  // not know: they are told by cancel().
  uint32_t cancel_after_chunks = 0;  // 0: never
  Nanos cancel_after{};              // 0: never
};

// The stretches of the request's prompt, one behind the other: the shared prefix, then what is its own.
std::vector<PromptPart> prompt_parts(const Request& request);

enum class StreamEventKind : uint8_t {
  kSent,       // the request left the load generator
  kAdmitted,   // the engine began to work on it (device targets; endpoints do not tell)
  kContent,    // a chunk with `tokens` tokens of output (1 where the target cannot know)
  kReasoning,  // the same, of reasoning
  kDone,       // ended well; prompt_tokens and output_tokens as the server counts them (0: it does not tell)
  kFailed,     // ended badly; `cause`, `detail`
};

enum class FailureCause : uint8_t {
  kNone,
  kRefused,
  kConnectionLost,
  kTimeout,
  kHttpStatus,
  kMalformed,
  kTruncated,
  kTooLong,
  kCancelled,
  kTargetLost,
  kTls,
  kServerError,
  kCheckFailed,      // a whole answer, but not what it had to be
  kCancelledByPlan,  // its user broke it off, as the plan said: no failure of the target's
  kOverloaded,       // HTTP 429 or 503: the server takes no more for now
};
inline constexpr FailureCause kLastFailureCause = FailureCause::kOverloaded;
std::string_view name_of(FailureCause);  // "http-status"
// Of an answer whose status is not what it had to be: kOverloaded or kHttpStatus.
FailureCause cause_of_status(int status);

// `at` is CLOCK_MONOTONIC and belongs to the event itself, not to when it was read.
struct StreamEvent {
  RequestId request = 0;
  StreamEventKind kind = StreamEventKind::kContent;
  FailureCause cause = FailureCause::kNone;
  Nanos at{};
  uint32_t tokens = 0;
  uint32_t prompt_tokens = 0;
  uint32_t output_tokens = 0;
  std::string detail;   // of a failure, for people; bounded to 200 bytes
  uint32_t chunks = 1;  // of kContent and kReasoning: so many of `tokens` each came at the same instant
  // Of kDone, where the server tells its own timing of the request: from the beginning of work on the prompt
  // to the first token, and from one token to the next in the mean. 0: it does not tell.
  Nanos server_prompt{}, server_tpot{};
};

}  // namespace assay
