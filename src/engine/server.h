// Serving: the loop that takes orders, lets the scheduler plan a step, has llama.cpp decode it, picks tokens
// and sends them with their stamps.
#pragma once

#include <unordered_map>
#include <vector>

#include "engine/batch_scheduler.h"
#include "engine/model.h"
#include "engine/prompt_source.h"
#include "engine/serving_channel.h"

namespace assay {

class Server {
 public:
  Server(LoadedModel& model, const SchedulerLimits& limits, ServingChannel& channel, Clock& clock);
  ~Server();

  // Until a StopOrder or the end of the socket. An error means that the engine or the socket failed.
  Result<void> run();

 private:
  struct Work {
    Request request;
    std::vector<llama_token> text;  // history, prompt and output; filled when work on it begins
    uint32_t history_tokens = 0;
    uint32_t output_tokens = 0;
  };

  bool take_order(const Order& order);  // false: stop
  void take_request(const Request& request);
  void take_cancel(RequestId id);
  void give_up_wrong(const StepWork& part);
  void abandon(RequestId id);
  void fail_request(RequestId id, FailureCause cause, std::string_view detail);
  Result<void> run_step();
  void apply_sequences();
  Result<void> fill_batch(Nanos begin);
  Result<void> begin_work(Work& work);
  void pick_tokens(std::vector<llama_token>& picked);  // LLAMA_TOKEN_NULL where logits say nothing
  void report(const std::vector<llama_token>& picked, Nanos at);
  void end_work(RequestId id, bool keeps_text);

  LoadedModel& model_;
  ServingChannel& channel_;
  Clock& clock_;
  BatchScheduler scheduler_;
  PromptSource prompts_;
  llama_batch batch_;
  BatchStep step_;
  std::vector<StreamEvent> events_;
  std::unordered_map<RequestId, Work> work_;
  std::unordered_map<uint64_t, std::vector<llama_token>> histories_;  // of sessions between turns
};

}  // namespace assay
