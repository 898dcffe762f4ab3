// Waterfall: from what is claimed to what a user gets, in tokens per second at every level, so that each loss
// has a name.
//
// The levels above the engine permit tokens: a decode step must read the weights once, so a memory of B GB/s
// permits B ÷ (bytes per token); a prompt token costs a number of operations, so C TFLOP/s permit C ÷
// (operations per token) (Williams et al., Roofline, 2009). C is the rate with weights of the model's own
// type, as in engine_efficiency: another type's kernel is another limit. What a token costs stands in the
// conditions of the engine's record; where it does not, engine_efficiency, which is engine ÷ kernels in those
// terms, says it too.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catalogue/catalogue.h"
#include "report/charts.h"
#include "report/claims.h"
#include "report/model.h"
#include "report/values.h"

namespace assay {
namespace {

struct LaneKind {
  const char* title;
  const char* engine_metric;  // what the engine reaches
  const char* efficiency_of;  // member "of" of its engine_efficiency
  const char* kernel_metric;  // what bounds it
  const char* resource;       // in sentences
  const char* cost;           // what a token needs of it: a condition of the engine's record
  double unit;                // operations or bytes in the kernel metric's unit
  const char* cost_unit;
  bool is_of_type;  // a kernel bounds only models of its own type of weights
};
constexpr LaneKind kDecode = {"Decode, one sequence",
                              "decode_tokens_per_s",
                              "decode",
                              "memory_bandwidth_gb_per_s",
                              "memory bandwidth",
                              "weight_bytes_per_token",
                              1e9,
                              "MB",
                              false};
constexpr LaneKind kPrefill = {"Prefill, one sequence",
                               "prefill_tokens_per_s",
                               "prefill",
                               "matmul_tflop_per_s",
                               "matrix multiplication",
                               "flop_per_token",
                               1e12,
                               "MFLOP",
                               true};

// What a waterfall is of. `serving` is null where no load trial left anything.
struct Place {
  const Subject& subject;
  std::string target;
  const Serving* serving = nullptr;
};

// The records of a place in one lane's terms; null where there is none.
struct LaneRecords {
  ClaimedPeak claimed;
  const Record* bound = nullptr;
  const Record* kernels = nullptr;
  const Record* engine = nullptr;
  const Record* efficiency = nullptr;
  std::string resource;         // in sentences: "matrix multiplication with q4_1 weights"
  std::string without_kernels;  // why there are none
  std::string without_bound;
};

bool is_usable(const Record& record) {
  return record.value && std::isfinite(*record.value) && *record.value > 0 &&
         record.validity != Validity::kVoid;
}

// What bounds an engine: memory beyond the caches, unless the exam itself took another for the best.
bool bounds_engine(const Record& record) {
  return condition(record, "memory") != "cache" || record.conditions["best"].as_bool();
}

const Record* larger(const Record* a, const Record* b) {
  return a == nullptr || *b->value > *a->value ? b : a;
}

// Of the target itself, or of no trial.
bool is_of_target(const Model& model, const Record& record, const Place& place) {
  const Trial* trial = model.trial(record.trial_id);
  return record.subject_id == place.subject.id && (trial == nullptr || trial->target == place.target);
}

// An efficiency is derived over trials, so that only its model tells whose it is.
const Record* efficiency_of(const Model& model, const Place& place, const LaneKind& kind,
                            const Record& engine) {
  const Record* found = nullptr;
  for (const Record& record : model.content->records) {
    const std::string of_model = condition(record, "model");
    const bool is_its = record.metric == "engine_efficiency" && is_usable(record) &&
                        condition(record, "of") == kind.efficiency_of && is_of_target(model, record, place) &&
                        (of_model.empty() || of_model == condition(engine, "model"));
    if (is_its) found = &record;
  }
  return found;
}

// Whether a kernel bounds a model with weights of `type`; "": of any.
bool is_of_type(const Record& kernel, const std::string& type) {
  return type.empty() || lower(condition(kernel, "dtype")) == lower(type);
}

const Record* fastest_engine(const Model& model, const Place& place, const LaneKind& kind) {
  const Record* found = nullptr;
  for (const Record& record : model.content->records) {
    const bool is_its =
        record.subject_id == place.subject.id && is_usable(record) && record.metric == kind.engine_metric &&
        record.evidence_class == EvidenceClass::kMeasured && is_of_target(model, record, place);
    if (is_its) found = larger(found, &record);
  }
  return found;
}

void add_device_records(const Model& model, const Place& place, const LaneKind& kind, const std::string& type,
                        LaneRecords& found) {
  const bool is_type_unknown = kind.is_of_type && found.engine != nullptr && type.empty();
  for (const Record& record : model.content->records) {
    const bool is_candidate = record.subject_id == place.subject.id && is_usable(record) &&
                              record.metric == kind.kernel_metric && bounds_engine(record);
    if (!is_candidate) continue;
    if (record.evidence_class == EvidenceClass::kMeasured && !is_type_unknown && is_of_type(record, type))
      found.kernels = larger(found.kernels, &record);
  }
  if (is_type_unknown) {
    found.without_kernels = found.without_bound = "of what type the model's weights are is not known";
    found.claimed.words = found.without_bound;
    return;
  }
  // Where no engine says what it multiplies, the type by which chips are compared.
  std::vector<std::string> dtypes;
  if (kind.is_of_type) dtypes = claimed_dtypes(type.empty() ? "f16" : type);
  found.claimed = claimed_peak(model, place.subject, kind.kernel_metric, dtypes);
  const std::string with_type = type.empty() ? "" : fmt::format(" with {} weights", type);
  found.resource = kind.resource + with_type;
  found.without_kernels =
      type.empty() ? "no kernel was measured on it" : fmt::format("no {} was measured on it", found.resource);
  found.without_bound = fmt::format("no bound is known for it{}", with_type);
  // Of the very type of the kernels; where there are none and no type is meant, the highest there is.
  std::optional<std::string> of_type;
  if (found.kernels != nullptr) of_type = condition(*found.kernels, "dtype");
  if (found.kernels == nullptr && !type.empty()) of_type = type;
  found.bound = theoretical_bound(model, place.subject, kind.kernel_metric,
                                  of_type ? std::optional<std::string_view>(*of_type) : std::nullopt);
}

// The engine is the target's; kernels, bounds and claims are the device's, whichever target they come from.
LaneRecords lane_records(const Model& model, const Place& place, const LaneKind& kind) {
  LaneRecords found{.engine = fastest_engine(model, place, kind), .resource = kind.resource};
  const std::string type =
      kind.is_of_type && found.engine != nullptr ? condition(*found.engine, "weights_type") : std::string();
  add_device_records(model, place, kind, type, found);
  if (found.engine != nullptr) found.efficiency = efficiency_of(model, place, kind, *found.engine);
  return found;
}

WaterfallStep unknown_step(std::string level, std::string why) {
  return {.level = std::move(level), .validity = Validity::kValid, .basis = std::move(why)};
}

// Tokens per second that one unit of the kernel metric permits, and how a token's cost reads.
struct Conversion {
  double factor;
  std::string cost;
};

std::optional<Conversion> conversion_of(const LaneKind& kind, const LaneRecords& records) {
  if (records.engine == nullptr) return std::nullopt;
  const double cost = records.engine->conditions[kind.cost].as_number();
  if (cost > 0)
    return Conversion{kind.unit / cost,
                      fmt::format("{} {} a token", format_number(cost / 1e6), kind.cost_unit)};
  if (records.kernels == nullptr || records.efficiency == nullptr) return std::nullopt;
  const double kernels_tokens = *records.engine->value / *records.efficiency->value;
  return Conversion{kernels_tokens / *records.kernels->value,
                    "what a token needs, from the engine's efficiency"};
}

// A level above the engine: `record` in tokens per second.
WaterfallStep permitted_step(std::string level, const std::string& resource, const Record& record,
                             const Conversion& conversion) {
  const double factor = conversion.factor;
  WaterfallStep step{.level = std::move(level), .value = *record.value * factor, .validity = record.validity};
  if (record.ci_low && record.ci_high) {
    step.low = *record.ci_low * factor;
    step.high = *record.ci_high * factor;
  }
  // A claim stays a claim in whatever unit it is written.
  step.evidence_class =
      shown_class(record) == EvidenceClass::kClaimed ? EvidenceClass::kClaimed : EvidenceClass::kDerived;
  step.basis = fmt::format("{} of {} ÷ {}", amount(record), resource, conversion.cost);
  step.record_ids = {record.id};
  return step;
}

WaterfallStep measured_step(std::string level, const Record& record, std::string basis) {
  return {.level = std::move(level),
          .value = record.value,
          .low = record.ci_low,
          .high = record.ci_high,
          .evidence_class = record.evidence_class,
          .validity = record.validity,
          .basis = std::move(basis),
          .record_ids = {record.id}};
}

std::string percent(double share) {
  return format_number(share * 100, share >= 0.995 ? 3 : 2) + " %";
}

// Shares and the names of losses, level by level, each against the nearest level above that has a value.
void name_losses(WaterfallLane& lane) {
  const WaterfallStep* above = nullptr;
  for (WaterfallStep& step : lane.steps) {
    if (!step.value || step.validity == Validity::kVoid) continue;
    if (above != nullptr && *above->value > 0) {
      step.share = *step.value / *above->value;
      constexpr double kSame = 0.0005;  // shown digits would read 0 %
      if (std::fabs(*step.share - 1) < kSame) {
        step.loss = fmt::format("as much as the {}", above->level);
        above = &step;
        continue;
      }
      step.loss = step.follows_demand ? fmt::format("{} of the {}; as much as the traffic asked for",
                                                    percent(*step.share), above->level)
                                      : fmt::format("{} {} the {}", percent(std::fabs(*step.share - 1)),
                                                    *step.share <= 1 ? "below" : "above", above->level);
    }
    above = &step;
  }
}

const WaterfallStep* find_step(const WaterfallLane& lane, std::string_view level) {
  for (const WaterfallStep& step : lane.steps) {
    if (step.level == level && step.value) return &step;
  }
  return nullptr;
}

std::string step_value(const WaterfallStep& step) {
  return value_text(*step.value, step.low, step.high).value;
}

// A sentence must not be surer than the table below it.
std::string doubt_words(const WaterfallStep& step) {
  return step.validity == Validity::kDoubtful ? " (doubtful)" : "";
}

std::string lane_sentence(const WaterfallLane& lane, const LaneKind& kind, const LaneRecords& records) {
  const WaterfallStep* bound = find_step(lane, "theoretical bound");
  const WaterfallStep* kernels = find_step(lane, "kernels");
  const WaterfallStep* engine = find_step(lane, "engine");
  if (engine == nullptr) return fmt::format("What the engine reaches in {} is unknown.", kind.efficiency_of);
  std::string out =
      fmt::format("The engine reaches {} {}{}", step_value(*engine), lane.unit, doubt_words(*engine));
  if (kernels != nullptr) {
    out += fmt::format(": {} of what the measured {}{} permits", percent(*engine->value / *kernels->value),
                       records.resource, doubt_words(*kernels));
  } else if (records.kernels == nullptr && kind.is_of_type) {
    out += fmt::format("; what the kernels permit it is not known: {}", records.without_kernels);
  }
  if (bound != nullptr && kernels != nullptr) {
    out += fmt::format(", which is itself {} of the theoretical bound",
                       percent(*kernels->value / *bound->value));
  }
  return out + ".";
}

void add_levels_above(WaterfallLane& lane, const LaneKind& kind, const LaneRecords& records) {
  const std::optional<Conversion> conversion = conversion_of(kind, records);
  const auto add = [&](const char* level, const Record* record, const std::string& resource,
                       const std::string& why) {
    if (record == nullptr) {
      lane.steps.push_back(unknown_step(level, why));
    } else if (!conversion) {
      lane.steps.push_back(
          unknown_step(level, fmt::format("{}, but no engine speed to convert it with", phrase(*record))));
    } else {
      lane.steps.push_back(permitted_step(level, resource, *record, *conversion));
      lane.steps.back().record_ids.push_back(records.engine->id);
    }
  };
  const Record* claimed = records.claimed.record;
  const std::string dtype = claimed == nullptr ? "" : condition(*claimed, "dtype");
  const std::string resource = kind.resource + (dtype.empty() ? "" : " in " + dtype);
  add("claimed peak", claimed, resource, records.claimed.words);
  if (claimed != nullptr) lane.steps.back().basis += "; " + records.claimed.words;
  add("theoretical bound", records.bound, records.resource, records.without_bound);
  add("kernels", records.kernels, records.resource, records.without_kernels);
}

// Why a metric of a mix on a target is not there.
std::string no_mix(const Model& model, const Place& place) {
  const auto is_mix = [&](const Trial& trial) {
    return trial.exam == "load" && trial.subject_id == place.subject.id && trial.target == place.target &&
           trial.parameters["phase"].as_string() == "mix";
  };
  const auto mix = std::ranges::find_if(model.content->trials, is_mix);
  if (mix == model.content->trials.end()) return "no mix was run against it";
  switch (mix->state) {
    case TrialState::kFailed:
      return mix->end_text.empty() ? "the mix failed" : fmt::format("the mix failed: {}", mix->end_text);
    case TrialState::kDone:
      return "the mix was run, but left no number for this";
    default:
      return "the mix was not run to its end";
  }
}

// What one user's stream gets while the mix runs: 1000 ÷ median TPOT.
WaterfallStep stream_step(const Model& model, const Place& place) {
  const Record* tpot = place.serving == nullptr ? nullptr : place.serving->mix.find("tpot_ms_p50");
  if (tpot == nullptr || !is_usable(*tpot)) {
    return unknown_step(
        "serving", tpot == nullptr ? no_mix(model, place) : fmt::format("median TPOT: {}", phrase(*tpot)));
  }
  WaterfallStep step{.level = "serving",
                     .value = 1000 / *tpot->value,
                     .validity = tpot->validity,
                     .basis = fmt::format("one request's stream in the mix: 1000 ÷ median TPOT of {} ms",
                                          value_text(*tpot).value),
                     .record_ids = {tpot->id}};
  if (tpot->ci_low && tpot->ci_high && *tpot->ci_low > 0) {
    step.low = 1000 / *tpot->ci_high;
    step.high = 1000 / *tpot->ci_low;
  }
  return step;
}

WaterfallStep demand_step(const Model& model, const Place& place, const char* metric, const char* basis) {
  const Record* record = place.serving == nullptr ? nullptr : place.serving->mix.find(metric);
  if (record == nullptr) return unknown_step("serving", no_mix(model, place));
  if (!is_usable(*record)) return unknown_step("serving", fmt::format("in the mix: {}", phrase(*record)));
  WaterfallStep step = measured_step("serving", *record, basis);
  step.follows_demand = std::ranges::none_of(model.content->findings, [&](const Finding& finding) {
    return finding.trial_id == record->trial_id && finding.code == kRateNotHeld;
  });
  return step;
}

std::string engine_basis(const Record& record) {
  std::string model = condition(record, "model");
  const size_t slash = model.rfind('/');
  if (slash != std::string::npos) model.erase(0, slash + 1);
  return model.empty() ? "one sequence alone" : fmt::format("{}, one sequence alone", model);
}

WaterfallLane make_lane(const Model& model, const Place& place, const LaneKind& kind) {
  WaterfallLane lane{.title = kind.title, .unit = "tokens/s"};
  const LaneRecords records = lane_records(model, place, kind);
  add_levels_above(lane, kind, records);
  lane.steps.push_back(records.engine == nullptr
                           ? unknown_step("engine", "none: no portable engine ran on it")
                           : measured_step("engine", *records.engine, engine_basis(*records.engine)));
  lane.steps.push_back(&kind == &kDecode ? stream_step(model, place)
                                         : demand_step(model, place, "input_throughput_tokens_per_s",
                                                       "prompt tokens of all requests in the mix"));
  name_losses(lane);
  lane.sentence = lane_sentence(lane, kind, records);
  return lane;
}

const Record* best_batched(const Model& model, const Place& place) {
  const Record* best = nullptr;
  for (const Record& record : model.content->records) {
    const bool is_batched = record.metric == "batched_decode_tokens_per_s" && is_usable(record) &&
                            is_of_target(model, record, place);
    if (is_batched) best = larger(best, &record);
  }
  return best;
}

// How many of the mix's requests kept every limit of their class: the same record as in the table of the
// service. Null where no class has limits, or nothing tells.
const Record* kept_share(const Serving* serving) {
  if (serving == nullptr || std::ranges::none_of(serving->classes, has_limits)) return nullptr;
  const Record* kept = serving->mix.find("slo_attainment");
  return kept != nullptr && kept->value && kept->validity != Validity::kVoid ? kept : nullptr;
}

// Output tokens of requests that met every SLO, as if they were as long as the others that ended well.
WaterfallStep good_step(const Serving& serving) {
  const Record* output = serving.mix.find("output_throughput_tokens_per_s");
  const Record* kept = kept_share(&serving);
  const Record* errors = serving.mix.find("error_rate");
  const double ended = errors == nullptr ? 1 : 1 - errors->value.value_or(0);
  if (output == nullptr || kept == nullptr || !is_usable(*output) || ended <= 0)
    return unknown_step("within every SLO", "how many requests of the mix kept their limits is unknown");
  const std::string of_ended =
      ended < 1 ? fmt::format(" ÷ {} that ended well", percent(ended)) : std::string();
  return {.level = "within every SLO",
          .value = *output->value * std::min(1.0, *kept->value / ended),
          .validity = std::max(output->validity, kept->validity),
          .basis = fmt::format("output throughput × {} of the mix's requests, which kept every limit{}",
                               percent(*kept->value), of_ended),
          .record_ids = {output->id, kept->id}};
}

// "; 92 % of its requests kept every limit of their class (batch has none)".
std::string kept_words(const Serving& serving) {
  const Record* kept = kept_share(&serving);
  if (kept == nullptr) return "";
  std::vector<std::string> without;
  for (const ClassResult& each : serving.classes) {
    if (!each.mix.empty() && !has_limits(each)) without.push_back(each.name);
  }
  return fmt::format("; {} of its requests kept every limit of their class{}", value_text(*kept).value + " %",
                     without.empty() ? ""
                                     : fmt::format(" ({} {} none)", join(without, ", "),
                                                   without.size() == 1 ? "has" : "have"));
}

WaterfallLane together_lane(const Model& model, const Place& place) {
  WaterfallLane lane{.title = "Decode, all sequences together", .unit = "tokens/s"};
  const Record* batched = best_batched(model, place);
  const bool has_engine = lane_records(model, place, kDecode).engine != nullptr;
  const char* why = has_engine ? "batched decode was not measured" : "none: no portable engine ran on it";
  lane.steps.push_back(
      batched == nullptr ? unknown_step("engine", why)
                         : measured_step("engine", *batched,
                                         counted(batched->conditions["sequences"].as_integer(), "sequence") +
                                             " in one batch"));
  lane.steps.push_back(demand_step(model, place, "output_throughput_tokens_per_s",
                                   "output tokens of all requests in the mix"));
  const bool has_limits_at_all =
      place.serving != nullptr && std::ranges::any_of(place.serving->classes, has_limits);
  if (has_limits_at_all) lane.steps.push_back(good_step(*place.serving));
  name_losses(lane);
  const WaterfallStep* served = find_step(lane, "serving");
  lane.sentence = served == nullptr ? std::string("What serving delivers to all users together is unknown.")
                                    : fmt::format("The mix drew {} output tokens/s{}{}.", step_value(*served),
                                                  doubt_words(*served), kept_words(*place.serving));
  return lane;
}

void add_serving_sentence(Waterfall& waterfall, const Serving* serving) {
  if (serving == nullptr) return;
  const auto part = [&](const char* metric, const char* before) -> std::string {
    const Record* record = serving->mix.find(metric);
    if (record == nullptr) return "";
    waterfall.record_ids.push_back(record->id);
    return fmt::format("{} {}", before, phrase(*record));
  };
  std::vector<std::string> parts;
  for (const auto& [metric, before] : {std::pair{"offered_rate_per_s", "offered"},
                                       {"request_throughput_per_s", "served"},
                                       {"goodput_per_s", "within every SLO (goodput)"}}) {
    // Without limits every request keeps them, which says nothing.
    if (std::string_view(metric) == "goodput_per_s" && std::ranges::none_of(serving->classes, has_limits))
      continue;
    if (std::string text = part(metric, before); !text.empty()) parts.push_back(std::move(text));
  }
  if (!parts.empty()) waterfall.serving = fmt::format("Under the mix: {}.", join(parts, "; "));
}

// Targets with evidence of roofline or load trials on a subject, in the order of their trials.
std::vector<Place> places_of(const Model& model, const Subject& subject) {
  std::vector<bool> has_evidence(model.content->trials.size());
  for (const Record& record : model.content->records) {
    const Trial* trial = model.trial(record.trial_id);
    if (record.subject_id != subject.id || trial == nullptr) continue;
    has_evidence[static_cast<size_t>(trial - model.content->trials.data())] =
        trial->exam == "roofline" || trial->exam == "load";
  }
  std::vector<Place> places;
  for (size_t i = 0; i < has_evidence.size(); ++i) {
    const std::string& target = model.content->trials[i].target;
    const bool is_known =
        std::any_of(places.begin(), places.end(), [&](const Place& place) { return place.target == target; });
    if (!has_evidence[i] || is_known) continue;
    const auto serving = std::find_if(model.servings.begin(), model.servings.end(), [&](const Serving& s) {
      return s.subject == &subject && s.target == target;
    });
    places.push_back({subject, target, serving == model.servings.end() ? nullptr : &*serving});
  }
  return places;
}

Waterfall make_waterfall(const Model& model, const Place& place) {
  Waterfall waterfall{.subject = &place.subject, .label = target_label(model, place.subject, place.target)};
  waterfall.lanes.push_back(make_lane(model, place, kDecode));
  waterfall.lanes.push_back(make_lane(model, place, kPrefill));
  waterfall.lanes.push_back(together_lane(model, place));
  const Record* engine = lane_records(model, place, kDecode).engine;
  waterfall.device = place.subject.details["description"].as_string();
  waterfall.model = engine != nullptr          ? condition(*engine, "model")
                    : place.serving != nullptr ? place.serving->model
                                               : "";
  add_serving_sentence(waterfall, place.serving);
  return waterfall;
}

}  // namespace

std::string Waterfall::caption() const {
  return device + (device.empty() || model.empty() ? "" : " · ") + model;
}

bool Waterfall::has_only_serving() const {
  for (const WaterfallLane& lane : lanes) {
    for (const WaterfallStep& step : lane.steps) {
      if (step.value && step.level != "serving" && step.level != "within every SLO") return false;
    }
  }
  return true;
}

std::vector<Waterfall> make_waterfalls(const Model& model) {
  std::vector<Waterfall> waterfalls;
  for (const Subject* subject : model.subjects) {
    for (const Place& place : places_of(model, *subject)) waterfalls.push_back(make_waterfall(model, place));
  }
  return waterfalls;
}

}  // namespace assay
