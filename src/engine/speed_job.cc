// The job "speed": how fast a model reads a prompt and writes output on a device, alone and with many
// sequences at once, by the method of llama-bench: a run to warm up, then repetitions on an empty cache, each
// timed whole.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "engine/job.h"
#include "engine/model.h"
#include "engine/sampler.h"

namespace assay {
namespace {

constexpr uint32_t kShortestPrompt = 32;
constexpr uint32_t kShortestOutput = 4;
constexpr double kRunsToAfford = 9;  // one to warm up and eight, the fewest whose mean has an interval

struct SpeedOptions {
  ModelOptions model;
  uint32_t prompt_tokens = 512;
  uint32_t output_tokens = 64;
  std::vector<uint32_t> sequences;
  uint32_t repetitions = 5;
  double time_limit_s = 60;
};

Result<SpeedOptions> read_speed_options(const JobContext& context) {
  SpeedOptions options;
  ASSIGN_OR_RETURN(options.model, read_model_options(context));
  ASSIGN_OR_RETURN(const int64_t prompt, context.integer("prompt_tokens", 512, 0, 1 << 20));
  ASSIGN_OR_RETURN(const int64_t output, context.integer("output_tokens", 64, 0, 1 << 16));
  ASSIGN_OR_RETURN(const int64_t repetitions, context.integer("repetitions", 5, 1, 1000));
  ASSIGN_OR_RETURN(options.time_limit_s, context.number("time_limit_s", 60, 0.1, 86'400));
  options.prompt_tokens = static_cast<uint32_t>(prompt);
  options.output_tokens = static_cast<uint32_t>(output);
  options.repetitions = static_cast<uint32_t>(repetitions);
  for (const Json& item : context.parameters["sequences"].items()) {
    const int64_t n = item.as_integer();
    if (n < 1 || n > 256)
      return fail("the job's parameter \"sequences\" holds a number outside 1 … 256", "job");
    options.sequences.push_back(static_cast<uint32_t>(n));
  }
  const uint32_t most =
      std::max(1U, options.sequences.empty() ? 1U : *std::ranges::max_element(options.sequences));
  options.model.batch_tokens = std::max(options.model.batch_tokens, most);
  options.model.kv_tokens = std::max(options.prompt_tokens, most * (options.output_tokens + 1));
  options.model.sequences = most;
  return options;
}

class SpeedRun {
 public:
  SpeedRun(JobContext& context, const SpeedOptions& options, LoadedModel& model)
      : context_(context),
        options_(options),
        model_(model),
        deadline_(context.clock.now() + nanos_from_seconds(options.time_limit_s)),
        batch_(llama_batch_init(static_cast<int32_t>(options.model.batch_tokens), 0, 1)) {}
  ~SpeedRun() { llama_batch_free(batch_); }

  Result<void> run();

 private:
  Result<void> prefill(uint32_t tokens);
  Result<void> decode(uint32_t sequences, uint32_t steps);
  using Body = std::function<Result<void>(uint32_t tokens)>;
  Result<uint32_t> affordable(const char* what, uint32_t wanted, uint32_t shortest, Nanos deadline,
                              const Body& body);
  // Of the time that is left, a fair share for each part that is still to come.
  Nanos part_deadline() const {
    const Nanos now = context_.clock.now();
    return now + nanos_from_seconds(std::max(0.0, seconds(deadline_ - now)) / (parts_ - parts_done_));
  }
  // Repeats `body`, which works on `tokens` tokens, until `deadline` and at least once, and records the rate.
  Result<void> measure(std::string_view metric, const Json& conditions, double tokens, Nanos deadline,
                       const std::function<Result<void>()>& body);
  void clear() { llama_memory_clear(llama_get_memory(model_.context()), false); }

  JobContext& context_;
  const SpeedOptions& options_;
  LoadedModel& model_;
  Nanos deadline_;
  llama_batch batch_;
  double parts_ = 1, parts_done_ = 0;
};

Result<void> SpeedRun::prefill(uint32_t tokens) {
  std::vector<llama_token> text(std::min(tokens, options_.model.batch_tokens));
  Random random(1, random_stream("engine/speed"), tokens);
  for (uint32_t done = 0; done < tokens;) {
    const uint32_t n = std::min<uint32_t>(tokens - done, static_cast<uint32_t>(text.size()));
    for (uint32_t i = 0; i < n; ++i) text[i] = static_cast<llama_token>(random.below(model_.vocabulary()));
    RETURN_IF_ERROR(model_.decode(llama_batch_get_one(text.data(), static_cast<int32_t>(n))));
    done += n;
  }
  llama_synchronize(model_.context());
  return {};
}

Result<void> SpeedRun::decode(uint32_t sequences, uint32_t steps) {
  std::vector<llama_token> last(sequences);
  Random random(2, random_stream("engine/speed"), sequences);
  for (llama_token& token : last) token = static_cast<llama_token>(random.below(model_.vocabulary()));
  batch_.n_tokens = static_cast<int32_t>(sequences);
  for (uint32_t step = 0; step < steps; ++step) {
    for (uint32_t i = 0; i < sequences; ++i) {
      batch_.token[i] = last[i];
      batch_.pos[i] = static_cast<llama_pos>(step);
      batch_.n_seq_id[i] = 1;
      batch_.seq_id[i][0] = static_cast<llama_seq_id>(i);
      batch_.logits[i] = 1;
    }
    RETURN_IF_ERROR(model_.decode(batch_));
    for (uint32_t i = 0; i < sequences; ++i) {
      const float* logits = llama_get_logits_ith(model_.context(), static_cast<int32_t>(i));
      const std::optional<int32_t> token = greedy({logits, model_.vocabulary()});
      if (!token) {
        return fail("the engine computed logits that say nothing: none is finite, or all are equal",
                    options_.model.path,
                    "Its speed would be worth nothing: check the model, then the device.");
      }
      last[i] = *token;
    }
  }
  return {};
}

// How many tokens a repetition takes: what was asked for, or less on a device so slow that one would eat the
// time of all. `body` works on the given number of tokens or steps; its first run also compiles the device's
// kernels and is not counted.
Result<uint32_t> SpeedRun::affordable(const char* what, uint32_t wanted, uint32_t shortest, Nanos deadline,
                                      const Body& body) {
  const uint32_t probe = std::min(shortest, wanted);
  clear();
  RETURN_IF_ERROR(body(probe));
  clear();
  const Nanos begin = context_.clock.now();
  RETURN_IF_ERROR(body(probe));
  clear();
  const Nanos now = context_.clock.now();
  const double s_per_token = seconds(now - begin) / probe;
  const double left_s = seconds(deadline - now);
  uint32_t tokens = wanted;
  while (tokens / 2 >= shortest && kRunsToAfford * s_per_token * tokens > left_s) tokens /= 2;
  if (tokens < wanted) {
    context_.out.finding("note", "engine.shortened",
                         fmt::format("{} was cut from {} to {} tokens a repetition, which take about {}.",
                                     what, wanted, tokens, format_duration(s_per_token * tokens)));
  }
  return tokens;
}

Result<void> SpeedRun::measure(std::string_view metric, const Json& conditions, double tokens, Nanos deadline,
                               const std::function<Result<void>()>& body) {
  MeasuredRecord record{.metric = std::string(metric), .unit = "tokens/s"};
  record.method = "tokens / wall time of one repetition, on an empty KV cache after one run to warm up; mean";
  record.conditions = model_.conditions();
  for (const auto& [name, value] : conditions.members()) record.conditions.set(name, value);
  clear();
  RETURN_IF_ERROR(body());
  for (uint32_t i = 0; i < options_.repetitions && (i == 0 || context_.clock.now() < deadline); ++i) {
    clear();
    const Nanos begin = context_.clock.now();
    RETURN_IF_ERROR(body());
    record.samples.push_back(tokens / seconds(context_.clock.now() - begin));
    context_.out.progress((parts_done_ + (i + 1.0) / options_.repetitions) / parts_,
                          fmt::format("{} {}", metric, format_number(record.samples.back())));
  }
  parts_done_ += 1;
  record.value = std::accumulate(record.samples.begin(), record.samples.end(), 0.0) /
                 static_cast<double>(record.samples.size());
  context_.out.record(record);
  return {};
}

Result<void> SpeedRun::run() {
  parts_ = (options_.prompt_tokens > 0) + (options_.output_tokens > 0) * (1.0 + options_.sequences.size());
  if (options_.prompt_tokens > 0) {
    const Nanos deadline = part_deadline();
    const Body body = [this](uint32_t tokens) { return prefill(tokens); };
    ASSIGN_OR_RETURN(const uint32_t tokens,
                     affordable("The prompt", options_.prompt_tokens, kShortestPrompt, deadline, body));
    RETURN_IF_ERROR(measure("prefill_tokens_per_s", Json::object().set("prompt_tokens", tokens), tokens,
                            deadline, [&] { return prefill(tokens); }));
  }
  if (options_.output_tokens == 0) return {};
  std::vector<uint32_t> sequences{1};
  sequences.insert(sequences.end(), options_.sequences.begin(), options_.sequences.end());
  for (const uint32_t n : sequences) {
    const Nanos deadline = part_deadline();
    if (n > 1 && context_.clock.now() >= deadline_) {
      context_.out.finding("note", "engine.left-out",
                           fmt::format("Decoding {} sequences at once was left out: the time was up.", n));
      continue;
    }
    const Body body = [this, n](uint32_t steps) { return decode(n, steps); };
    const std::string what = n == 1 ? "The output" : fmt::format("The output of {} sequences at once", n);
    ASSIGN_OR_RETURN(const uint32_t steps,
                     affordable(what.c_str(), options_.output_tokens, kShortestOutput, deadline, body));
    Json conditions = Json::object().set("output_tokens", steps);
    if (n > 1) conditions.set("sequences", n);
    RETURN_IF_ERROR(measure(n == 1 ? "decode_tokens_per_s" : "batched_decode_tokens_per_s", conditions,
                            double{1} * n * steps, deadline, [&] { return decode(n, steps); }));
  }
  return {};
}

void record_once(JobContext& context, const LoadedModel& model, std::string_view metric, double value,
                 std::string_view unit, std::string_view method) {
  MeasuredRecord record{.metric = std::string(metric), .value = value, .unit = std::string(unit)};
  record.method = method;
  record.conditions = model.conditions();
  record.samples = {value};
  context.out.record(record);
}

}  // namespace

Result<void> run_speed_job(JobContext& context) {
  ASSIGN_OR_RETURN(const SpeedOptions options, read_speed_options(context));
  ASSIGN_OR_RETURN(const std::unique_ptr<LoadedModel> model, LoadedModel::load(options.model));
  ASSIGN_OR_RETURN(const std::vector<uint32_t> steps, model->warm_up());
  record_once(
      context, *model, "model_load_s", seconds(context.clock.now() - context.start), "s",
      fmt::format("from the start of the worker, with its backends, to the end of warming up, in steps of {} "
                  "tokens",
                  fmt::join(steps, ", ")));
  record_once(context, *model, "model_memory_bytes", static_cast<double>(model->memory().total()), "bytes",
              "weights, KV cache and compute buffers as the engine reports them");
  context.out.info(Json::object().set("model", model->describe()));
  SpeedRun run(context, options, *model);
  return run.run();
}

}  // namespace assay
