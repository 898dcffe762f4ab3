// GuideLLM's metrics; see guidellm_metrics.h.
#include "load/exports/guidellm_metrics.h"

#include <algorithm>
#include <array>
#include <map>

namespace assay {
namespace {

using Requests = std::vector<GuidellmRequest>;

template <class T>
std::vector<T>& of_status(ByStatus<T>& values, GuidellmRequest::Status status) {
  switch (status) {
    case GuidellmRequest::Status::kSuccessful:
      return values.successful;
    case GuidellmRequest::Status::kIncomplete:
      return values.incomplete;
    case GuidellmRequest::Status::kErrored:
      break;
  }
  return values.errored;
}

// What `put` appends for each request, by status.
template <class T, class Put>
ByStatus<T> gather(const Requests& requests, Put put) {
  ByStatus<T> values;
  for (const GuidellmRequest& request : requests) put(request, of_status(values, request.status));
  return values;
}

// The distribution of one number a request. What a request does not tell counts as 0, as in GuideLLM.
template <class Get>
Json values_of(const Requests& requests, Get get) {
  return guidellm_distribution(
      gather<WeightedValue>(requests, [&](const GuidellmRequest& request, std::vector<WeightedValue>& to) {
        to.push_back({std::optional<double>(get(request)).value_or(0), 1});
      }));
}

// The same, but of those requests alone that tell.
template <class Get>
Json told_values_of(const Requests& requests, Get get) {
  return guidellm_distribution(
      gather<WeightedValue>(requests, [&](const GuidellmRequest& request, std::vector<WeightedValue>& to) {
        if (const std::optional<double> value = get(request)) to.push_back({*value, 1});
      }));
}

template <class Put>
Json weighted_values_of(const Requests& requests, Put put) {
  return guidellm_distribution(gather<WeightedValue>(requests, put));
}

template <class Put>
Json rates_of(const Requests& requests, const TimeWindow& window, Put put) {
  return guidellm_rates(gather<TimedEvent>(requests, put), window);
}

Json time_per_output_token(const Requests& requests) {
  return weighted_values_of(requests, [](const GuidellmRequest& request, std::vector<WeightedValue>& to) {
    to.push_back(
        {request.time_per_output_token_ms().value_or(0), static_cast<double>(request.output_tokens)});
  });
}

Json inter_token_latency(const Requests& requests) {
  return weighted_values_of(requests, [](const GuidellmRequest& request, std::vector<WeightedValue>& to) {
    const double gaps = request.output_tokens > 1 ? static_cast<double>(request.output_tokens - 1) : 0;
    to.push_back({request.inter_token_latency_ms().value_or(0), gaps});
  });
}

void put_output(const GuidellmRequest& request, std::vector<TimedEvent>& to) {
  const std::vector<TimedEvent> events = request.output_token_events();
  to.insert(to.end(), events.begin(), events.end());
}

void put_prompt(const GuidellmRequest& request, std::vector<TimedEvent>& to) {
  to.push_back({request.first_s.value_or(request.end_s), static_cast<double>(request.prompt_tokens)});
}

// text.tokens: here a request's tokens all come at its end, and the parts of "total" are inputs and outputs
// side by side, not added up.
Json text_tokens(const Requests& requests) {
  ByStatus<WeightedValue> all_values;
  ByStatus<TimedEvent> all_events;
  ByStatus<TimedInterval> all_intervals;
  Json tokens = Json::object();
  const auto add = [&](const char* name, const ByStatus<WeightedValue>& values,
                       const ByStatus<TimedEvent>& events, const ByStatus<TimedInterval>& intervals) {
    const std::string prefix = name;
    tokens.set(prefix, guidellm_distribution(values));
    tokens.set(prefix + "_per_second", guidellm_rates(events, std::nullopt));
    tokens.set(prefix + "_concurrency", guidellm_concurrency(intervals, std::nullopt));
  };
  const auto part = [&](const char* name, int64_t GuidellmRequest::* count) {
    ByStatus<WeightedValue> values;
    ByStatus<TimedEvent> events;
    ByStatus<TimedInterval> intervals;
    for (const GuidellmRequest& request : requests) {
      const auto n = static_cast<double>(request.*count);
      for (auto* to : {&values, &all_values}) of_status(*to, request.status).push_back({n, 1});
      for (auto* to : {&events, &all_events}) of_status(*to, request.status).push_back({request.end_s, n});
      for (auto* to : {&intervals, &all_intervals})
        of_status(*to, request.status).push_back({request.start_s(), request.end_s, n});
    }
    add(name, values, events, intervals);
  };
  part("input", &GuidellmRequest::prompt_tokens);
  part("output", &GuidellmRequest::output_tokens);
  add("total", all_values, all_events, all_intervals);
  return tokens;
}

// A medium with these kinds of counts, none of which the traffic has.
Json absent_medium(std::initializer_list<const char*> kinds) {
  Json medium = Json::object();
  for (const char* kind : kinds) {
    Json counts = Json::object();
    for (const char* part : {"input", "output", "total"}) {
      for (const char* view : {"", "_per_second", "_concurrency"})
        counts.set(std::string(part) + view, nullptr);
    }
    medium.set(kind, std::move(counts));
  }
  return medium;
}

// By place in the conversation; null where all are first turns.
Json turns_of(const Requests& requests) {
  std::map<int64_t, Requests> by_turn;
  for (const GuidellmRequest& request : requests) by_turn[request.turn].push_back(request);
  if (by_turn.empty() || (by_turn.size() == 1 && by_turn.contains(0))) return {};
  Json turns = Json::array();
  for (const auto& [turn, of_turn] : by_turn) {
    turns.push(Json::object()
                   .set("turn_index", turn)
                   .set("request_totals", guidellm_request_totals(of_turn))
                   .set("request_latency",
                        values_of(of_turn, [](const GuidellmRequest& r) { return r.latency_s(); }))
                   .set("prompt_token_count",
                        values_of(of_turn, [](const GuidellmRequest& r) { return double(r.prompt_tokens); }))
                   .set("time_to_first_token_ms",
                        told_values_of(of_turn, [](const GuidellmRequest& r) { return r.ttft_ms(); }))
                   .set("inter_token_latency_ms", inter_token_latency(of_turn)));
  }
  return turns;
}

// Nothing: an objective has no measurement, and the request does not count.
std::optional<bool> conforms(const GuidellmRequest& request, const Slo& slo) {
  const std::optional<double> latency_s = request.latency_s();
  const std::array<std::pair<std::optional<double>, std::optional<double>>, 3> held{
      {{request.ttft_ms(), slo.ttft_ms},
       {request.inter_token_latency_ms(), slo.tpot_ms},
       {latency_s ? std::optional(*latency_s * 1000) : std::nullopt, slo.e2e_ms}}};
  bool conforming = true;
  for (const auto& [measured, limit] : held) {
    if (!limit) continue;
    if (!measured) return std::nullopt;
    conforming = conforming && *measured <= *limit;
  }
  return conforming;
}

// Errors do not conform; what was cancelled does not count.
void set_goodput(const Requests& requests, const GuidellmMetricsOptions& options, Json& metrics) {
  int64_t determined = 0, good = 0;
  ByStatus<TimedEvent> ends;
  for (const GuidellmRequest& request : requests) {
    if (!options.slo || request.status == GuidellmRequest::Status::kIncomplete) continue;
    const bool is_error = request.status == GuidellmRequest::Status::kErrored;
    const std::optional<bool> verdict = is_error ? false : conforms(request, *options.slo);
    if (!verdict) continue;
    ++determined;
    if (!*verdict) continue;
    ++good;
    ends.successful.push_back({request.end_s, 1});
  }
  metrics.set("slo_attainment",
              determined == 0 ? Json() : Json(static_cast<double>(good) / static_cast<double>(determined)));
  metrics.set("slo_determined_requests", determined);
  metrics.set("request_goodput", determined == 0 ? Json() : guidellm_rates(ends, options.window));
}

void set_request_metrics(const Requests& requests, const GuidellmMetricsOptions& options, Json& metrics) {
  metrics.set("request_totals", guidellm_request_totals(requests));
  metrics.set("requests_per_second",
              rates_of(requests, options.window, [](const GuidellmRequest& r, std::vector<TimedEvent>& to) {
                to.push_back({r.end_s, 1});
              }));
  metrics.set("request_concurrency",
              guidellm_concurrency(
                  gather<TimedInterval>(requests,
                                        [](const GuidellmRequest& r, std::vector<TimedInterval>& to) {
                                          to.push_back({r.start_s(), r.end_s, 1});
                                        }),
                  options.window));
  metrics.set("request_latency", values_of(requests, [](const GuidellmRequest& r) { return r.latency_s(); }));
  const bool is_told = options.defines_arrival_schedule;
  const auto delay = [](const GuidellmRequest& r) { return r.dispatch_delay_s(); };
  metrics.set("request_dispatch_delay", is_told ? told_values_of(requests, delay) : Json());
  metrics.set("request_scheduled_latency",
              is_told
                  ? told_values_of(requests, [](const GuidellmRequest& r) { return r.scheduled_latency_s(); })
                  : Json());
  // A later turn is due at the end of the answer before it plus its pause, so no turn waits for another.
  metrics.set("turn_predecessor_delay",
              is_told ? told_values_of(requests,
                                       [](const GuidellmRequest& r) {
                                         return r.dispatch_delay_s() ? std::optional(0.0) : std::nullopt;
                                       })
                      : Json());
  metrics.set("turn_scheduling_delay", is_told ? told_values_of(requests, delay) : Json());
  metrics.set("root_dispatch_delay", guidellm_root_dispatch_delay(requests));
}

void set_token_metrics(const Requests& requests, const GuidellmMetricsOptions& options, Json& metrics) {
  const auto count = [&](const char* name, auto get) {
    metrics.set(name,
                values_of(requests, [&](const GuidellmRequest& r) { return static_cast<double>(get(r)); }));
  };
  // Counts every event of the stream, which the samples do not hold; 0 is what GuideLLM writes then.
  count("request_streaming_iterations_count", [](const GuidellmRequest&) { return 0; });
  count("prompt_token_count", [](const GuidellmRequest& r) { return r.prompt_tokens; });
  count("output_token_count", [](const GuidellmRequest& r) { return r.output_tokens; });
  count("total_token_count", [](const GuidellmRequest& r) { return r.prompt_tokens + r.output_tokens; });
  metrics.set("time_to_first_token_ms",
              told_values_of(requests, [](const GuidellmRequest& r) { return r.ttft_ms(); }));
  metrics.set("time_to_first_output_token_ms",
              told_values_of(requests, [](const GuidellmRequest& r) { return r.ttfo_ms(); }));
  metrics.set("time_per_output_token_ms", time_per_output_token(requests));
  metrics.set("inter_token_latency_ms", inter_token_latency(requests));
  // Only websockets have them; GuideLLM writes 0 for HTTP.
  count("time_to_last_round_trip_ms", [](const GuidellmRequest&) { return 0; });
  count("avg_round_trip_time_ms", [](const GuidellmRequest&) { return 0; });
  metrics.set("prompt_tokens_per_second", rates_of(requests, options.window, put_prompt));
  metrics.set("output_tokens_per_second", rates_of(requests, options.window, put_output));
  metrics.set("tokens_per_second",
              rates_of(requests, options.window, [](const GuidellmRequest& r, std::vector<TimedEvent>& to) {
                put_prompt(r, to);
                put_output(r, to);
              }));
  const auto chunk_tokens = [&](size_t skipped) {
    return weighted_values_of(requests, [&](const GuidellmRequest& r, std::vector<WeightedValue>& to) {
      if (skipped == 1 && !r.later_tokens_per_chunk()) return;
      const std::vector<TimedEvent> events = r.output_token_events();
      for (size_t i = skipped; i < events.size(); ++i) to.push_back({events[i].weight, 1});
    });
  };
  metrics.set("output_tokens_per_iteration", chunk_tokens(0));
  metrics.set("iter_tokens_per_iteration", chunk_tokens(1));
}

}  // namespace

std::optional<double> GuidellmRequest::latency_s() const {
  return sent_s ? std::optional(end_s - *sent_s) : std::nullopt;
}

std::optional<double> GuidellmRequest::dispatch_delay_s() const {
  return sent_s && targeted_s ? std::optional(*sent_s - *targeted_s) : std::nullopt;
}

std::optional<double> GuidellmRequest::scheduled_latency_s() const {
  return targeted_s ? std::optional(end_s - *targeted_s) : std::nullopt;
}

std::optional<double> GuidellmRequest::ttft_ms() const {
  return sent_s && first_s ? std::optional(1000 * (*first_s - *sent_s)) : std::nullopt;
}

std::optional<double> GuidellmRequest::ttfo_ms() const {
  return sent_s && first_output_s ? std::optional(1000 * (*first_output_s - *sent_s)) : std::nullopt;
}

std::optional<double> GuidellmRequest::time_per_output_token_ms() const {
  if (!sent_s || output_tokens == 0) return std::nullopt;
  return 1000 * (last_s.value_or(end_s) - *sent_s) / static_cast<double>(output_tokens);
}

std::optional<double> GuidellmRequest::inter_token_latency_ms() const {
  if (!first_s || !last_s || output_tokens <= 1) return std::nullopt;
  return 1000 * (*last_s - *first_s) / static_cast<double>(output_tokens - 1);
}

std::optional<double> GuidellmRequest::later_tokens_per_chunk() const {
  if (!first_s || !last_s || output_tokens <= 1 || chunks <= 1) return std::nullopt;
  return static_cast<double>(output_tokens - 1) / static_cast<double>(chunks - 1);
}

std::vector<TimedEvent> GuidellmRequest::output_token_events() const {
  if (!first_s || !last_s || chunks <= 1)
    return {{last_s.value_or(end_s), static_cast<double>(output_tokens)}};
  std::vector<TimedEvent> events{{*first_s, output_tokens > 0 ? 1.0 : 0.0}};
  const std::optional<double> tokens = later_tokens_per_chunk();
  if (!tokens) return events;
  const double step_s = (*last_s - *first_s) / static_cast<double>(chunks - 1);
  for (int64_t i = 1; i + 1 < chunks; ++i)
    events.push_back({*first_s + static_cast<double>(i) * step_s, *tokens});
  events.push_back({*last_s, *tokens});
  return events;
}

Json guidellm_request_totals(const Requests& requests) {
  const auto of = [&](GuidellmRequest::Status status) {
    return std::ranges::count(requests, status, &GuidellmRequest::status);
  };
  return Json::object()
      .set("successful", int64_t{of(GuidellmRequest::Status::kSuccessful)})
      .set("errored", int64_t{of(GuidellmRequest::Status::kErrored)})
      .set("incomplete", int64_t{of(GuidellmRequest::Status::kIncomplete)})
      .set("total", static_cast<int64_t>(requests.size()));
}

Json guidellm_root_dispatch_delay(const Requests& requests) {
  std::vector<WeightedValue> delays;
  for (const GuidellmRequest& request : requests) {
    if (request.turn != 0 || !request.dispatch_delay_s()) continue;
    delays.push_back({*request.dispatch_delay_s(), 1});
  }
  return delays.empty() ? Json() : guidellm_distribution(std::move(delays));
}

Json guidellm_metrics(const Requests& requests, const GuidellmMetricsOptions& options) {
  Json metrics = Json::object();
  set_request_metrics(requests, options, metrics);
  set_token_metrics(requests, options, metrics);
  // Texts are not kept, so their words and characters are not known.
  metrics.set(
      "text",
      Json::object().set("tokens", text_tokens(requests)).set("words", nullptr).set("characters", nullptr));
  metrics.set("image", absent_medium({"tokens", "images", "pixels", "bytes"}));
  metrics.set("video", absent_medium({"tokens", "frames", "seconds", "bytes"}));
  metrics.set("audio", absent_medium({"tokens", "samples", "seconds", "bytes"}));
  metrics.set("tool_call", absent_medium({"tokens", "mixed_tokens", "count"}));
  metrics.set("turns", turns_of(requests));
  set_goodput(requests, options, metrics);
  return metrics;
}

}  // namespace assay
