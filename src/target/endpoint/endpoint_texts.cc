// The sample of answers; see endpoint_texts.h.
#include "target/endpoint/endpoint_texts.h"

#include <algorithm>

#include "target/endpoint/endpoint_kinds.h"

namespace assay {
namespace {

constexpr size_t kMaxKeptBytes = size_t{48} << 20;

}  // namespace

bool EndpointTexts::wants(const Request& request) {
  if (count_ == 0) return false;
  static const uint64_t stream = random_stream("answer texts");
  const uint64_t draw = Random(seed_, stream, request.id).next();
  if (drawn_.size() == count_) {
    if (draw >= drawn_.top().first) return false;
    drop(drawn_.top().second);
    drawn_.pop();
  }
  drawn_.push({draw, request.id});
  kept_.insert_or_assign(request.id, Kept{.request = request, .text = {}});
  return true;
}

void EndpointTexts::drop(RequestId id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return;
  bytes_ -= bytes_of(found->second);
  kept_.erase(found);
}

void EndpointTexts::answered(const StreamEvent& done, EndpointText text) {
  const auto found = kept_.find(done.request);
  if (found == kept_.end()) return;
  Kept& kept = found->second;
  kept.is_answered = true;
  kept.text = {.id = done.request,
               .class_index = kept.request.class_index,
               .prompt = {},
               .content = std::move(text.content),
               .reasoning = std::move(text.reasoning),
               .is_whole = text.is_whole,
               .chunks = text.chunks,
               .prompt_tokens = done.prompt_tokens,
               .output_tokens = done.output_tokens,
               .asked_prompt_tokens = kept.request.prompt_tokens};
  const bool is_short = std::max(kept.text.content.size(), kept.text.reasoning.size()) <= kMaxListedTextBytes;
  if (kept.text.is_whole && is_short && bytes_ + bytes_of(kept) <= kMaxKeptBytes) {
    bytes_ += bytes_of(kept);
    return;
  }
  kept.text.is_whole = false;
  kept.text.content = kept.text.reasoning = std::string();
}

void EndpointTexts::restart() {
  drawn_ = {};
  kept_.clear();
  bytes_ = 0;
}

std::vector<AnswerText> EndpointTexts::take(const PromptCutter& cutter) {
  std::vector<AnswerText> texts;
  for (auto& [id, kept] : kept_) {
    if (!kept.is_answered) continue;
    AnswerText& text = texts.emplace_back(std::move(kept.text));
    if (kept.request.turn == 0) text.prompt = endpoint_prompt(kept.request, cutter);
  }
  std::ranges::sort(texts, {}, &AnswerText::id);
  restart();
  return texts;
}

}  // namespace assay
