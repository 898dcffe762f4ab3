// A synthetic dossier; see sample_dossier.h.
#include "sample_dossier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "evidence/evidence.h"
#include "exam/load/interference.h"
#include "sample_host.h"

namespace assay {
namespace {

constexpr const char* kHostile =
    "</script><script>window.broken=1</script><img src=x onerror=\"window.broken=2\">\"'&{a|b}\x1b[31m\xff";

struct ClassSpec {
  const char* name;
  double prompt_tokens, output_tokens, ttft_limit_ms, tpot_limit_ms, e2e_limit_ms;  // 0: no limit
};
constexpr ClassSpec kClasses[] = {
    {"chat", 120, 60, 800, 60, 0},       {"rag", 480, 50, 2500, 60, 0},  {"code", 160, 90, 1200, 50, 0},
    {"summarise", 600, 40, 4000, 80, 0}, {"agent", 200, 30, 900, 60, 0}, {"batch", 300, 80, 0, 0, 60000},
};

struct DeviceSpec {
  const char* name;
  const char* description;
  double bandwidth, bandwidth_bound, matmul, matmul_bound, prefill, decode;  // GB/s, TFLOP/s, tokens/s
  double decode_efficiency, prefill_efficiency;
};
constexpr DeviceSpec kDevices[] = {
    {"CPU", "an eight-core processor", 38.4, 51.2, 0.212, 0.307, 488, 188, 0.52, 0.71},
    {"Vulkan0", "a small graphics card", 122, 192, 1.31, 3.07, 2210, 402, 0.37, 0.46},
};

// Everything one trial leaves, with the words that all its records share.
constexpr double kSweptRates[] = {1, 2, 3, 4};

class Outcome {
 public:
  Outcome(std::string source, Json common) : source_(std::move(source)), common_(std::move(common)) {}

  Record& add(std::string metric, std::optional<double> value, std::string unit, Json conditions,
              double relative_interval = 0, int64_t n = 0) {
    Record record{
        .metric = std::move(metric), .value = value, .unit = std::move(unit), .n = n, .source = source_};
    record.conditions = common_;
    for (const auto& [key, member] : conditions.members()) record.conditions.set(key, member);
    if (value && relative_interval > 0) {
      record.ci_low = *value * (1 - relative_interval);
      record.ci_high = *value * (1 + relative_interval);
      record.confidence = 0.95;
    }
    record.method = "median of repetitions; percentile bootstrap";
    outcome.records.push_back(std::move(record));
    return outcome.records.back();
  }
  Record& derive(std::string metric, double value, std::string unit, Json conditions, std::string formula) {
    Record& record = add(std::move(metric), value, std::move(unit), std::move(conditions));
    record.evidence_class = EvidenceClass::kDerived;
    record.method = std::move(formula);
    return record;
  }
  void find(Severity severity, std::string code, std::string text, Json evidence = Json::object()) {
    outcome.findings.push_back({.severity = severity,
                                .code = std::move(code),
                                .text = std::move(text),
                                .evidence = std::move(evidence)});
  }

  TrialOutcome outcome;

 private:
  std::string source_;
  Json common_;
};

Json members(std::initializer_list<std::pair<std::string, Json>> list) {
  return Json(Json::Object(list));
}

std::string unit_statistic(const char* metric, const char* statistic) {
  return fmt::format("{}_{}", metric, statistic);
}

class Writer {
 public:
  Writer(const SampleDossierOptions& options) : options_(options), random_(options.seed, 7, 1) {}

  Result<void> write(const std::string& path) {
    plan();
    RunInfo run{
        .id = "4f1c0a92b7de44e38a5d10c96f2b7701",
        .assay_version = "0.1.0",
        .created_at = "2026-11-24T09:12:44Z",
        .scenario_name = hostile("built-in"),
        .scenario_path = "built-in",
        .scenario_text = hostile("name = \"built-in\"\nexams = [\"probe\", \"roofline\", \"load\"]\n"),
        .seed = 1};
    run.host = members(
        {{"cpu",
          members({{"model", "a processor"}, {"cores", 8}, {"isa", Json(Json::Array{"avx2", "avx512f"})}})},
         {"memory", members({{"total_bytes", int64_t{25769803776}}})},
         {"calibration", calibration().to_json()}});
    add_sample_hardware([this](std::string text) { return hostile(std::move(text)); }, run.host);
    std::vector<Requirement> requirements = {{.id = 1,
                                              .text = hostile("goodput of chat ≥ 0.5 requests/s on CPU"),
                                              .metric = "goodput_per_s",
                                              .comparison = ">=",
                                              .value = 0.5,
                                              .unit = "requests/s",
                                              .question = 2,
                                              .source = "mine.toml:31"},
                                             {.id = 2,
                                              .text = "TTFT p90 of agent ≤ 500 ms on CPU",
                                              .metric = "ttft_ms_p90",
                                              .comparison = "<=",
                                              .value = 500,
                                              .unit = "ms",
                                              .question = 2,
                                              .source = "mine.toml:36"}};
    ASSIGN_OR_RETURN(Dossier dossier, Dossier::create(path, run, trials_, requirements));
    for (const Trial& trial : trials_) {
      RETURN_IF_ERROR(dossier.begin_trial(trial.id, "2026-11-24T09:13:00Z"));
      RETURN_IF_ERROR(dossier.commit_trial(trial.id, outcome_of(trial)));
    }
    ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
    return dossier.commit_conclusions(verdicts(), interference_records(content), {}, "2026-11-24T09:16:02Z");
  }

 private:
  // A valid shape, a void one, and one that was skipped.
  InstrumentCalibration calibration() const {
    CalibrationShape shape{.name = hostile("open loop, 20,000 events/s"), .events = 80'000, .requests = 2000};
    shape.events_per_s = 20'500;
    shape.arrival_error_us_min = 1.2;
    shape.arrival_error_us_p50 = 3.31;
    shape.arrival_error_us_p99 = 7.09;
    shape.arrival_error_us_p99_9 = 27.4;
    shape.arrival_error_us_max = 1100;
    shape.ttft_true_ms_mean = 50.1;
    shape.ttft_error_percent = 0.00742;
    shape.dispatch_lag_us_max = 2890;
    shape.emulator_late_us_p99_9 = 69.8;
    shape.emulator_late_us_max = 1040;
    shape.client_cpu_percent = 28.5;
    CalibrationShape late = shape;
    late.name = "coalesced, 16 users, 256 tokens at once";
    late.is_coalesced = true;
    late.void_because = hostile("the emulator was late: 160 of 80000 events by more than 10.0 ms");
    return {.measured_at = "2026-11-20T08:00:00Z",
            .conditions = {"0.1.0", hostile("6.1.0-18-amd64"), "a processor", 8},
            .shape_s = 4,
            .shapes = {shape,
                       late,
                       {.name = "open loop, 100,000 events/s",
                        .skipped = "client and server cannot have a core each"}}};
  }

  std::string hostile(std::string text) const { return options_.is_hostile ? text + kHostile : text; }

  void plan_trial(const char* exam, const DeviceSpec& device, std::string name, Json parameters) {
    trials_.push_back({.id = static_cast<int64_t>(trials_.size()) + 1,
                       .exam = exam,
                       .target = device.name,
                       .name = hostile(std::move(name)),
                       .parameters = std::move(parameters)});
  }

  void plan() {
    Json::Array names;
    for (const ClassSpec& one : kClasses) names.emplace_back(hostile(one.name));
    for (const DeviceSpec& device : kDevices) {
      plan_trial("probe", device, fmt::format("probe of {}", device.name),
                 members({{"device", device.name}}));
      plan_trial("roofline", device, fmt::format("kernels of {}", device.name),
                 members({{"part", "kernels"}, {"device", device.name}}));
      plan_trial(
          "roofline", device, fmt::format("engine on {}", device.name),
          members({{"part", "engine"}, {"device", device.name}, {"model", hostile("SmolLM2-135M.Q4_1")}}));
      plan_trial("load", device, fmt::format("load mix on {}", device.name),
                 members({{"phase", "mix"}, {"classes", Json(names)}}));
      for (const ClassSpec& one : kClasses) {
        plan_trial("load", device, fmt::format("load {} alone on {}", one.name, device.name),
                   members({{"phase", "alone"},
                            {"traffic_class", hostile(one.name)},
                            {"classes", Json(Json::Array{Json(hostile(one.name))})}}));
      }
      for (const double rate : kSweptRates) {
        plan_trial("load", device, fmt::format("load at {} arrivals/s on {}", rate, device.name),
                   members({{"phase", "sweep"}, {"sweep_rate_per_s", rate}, {"classes", Json(names)}}));
      }
      plan_trial("load", device, fmt::format("load capacity on {}", device.name),
                 members({{"phase", "capacity"}, {"classes", Json(names)}}));
    }
  }

  const DeviceSpec& device_of(const Trial& trial) const {
    return trial.target == kDevices[0].name ? kDevices[0] : kDevices[1];
  }

  TrialOutcome outcome_of(const Trial& trial) {
    const DeviceSpec& device = device_of(trial);
    Outcome out(fmt::format("assay 0.1.0, trial {}", trial.id),
                members({{"device", device.name}, {"threads", 2}}));
    out.outcome.subject = Subject{.name = hostile(device.name),
                                  .kind = "device",
                                  .details = members({{"description", hostile(device.description)},
                                                      {"memory_bytes", int64_t{8589934592}}})};
    out.outcome.duration_s = 12.5;
    if (trial.exam == "roofline" && trial.parameters["part"].as_string() == "kernels")
      kernels(out, device);
    else if (trial.exam == "roofline")
      engine(out, device);
    else if (trial.parameters["phase"].as_string() == "sweep")
      sweep(out, device, trial.parameters["sweep_rate_per_s"].as_number());
    else if (trial.parameters["phase"].as_string() == "capacity")
      capacity(out, device);
    else if (trial.exam == "load")
      load(out, trial, device);
    const bool is_failing = &device == &kDevices[1] && trial.name.starts_with("load batch alone");
    if (is_failing) {
      out.outcome.state = TrialState::kFailed;
      out.outcome.end_text = hostile("the worker ended by signal 6 (Aborted)");
      out.outcome.records.clear();
      out.outcome.samples.clear();
      out.find(Severity::kBlocker, "engine.worker-died",
               hostile("The worker ended by signal 6 (Aborted) while batch ran alone on Vulkan0."),
               members({{"signal", 6}}));
    }
    return std::move(out.outcome);
  }

  void kernels(Outcome& out, const DeviceSpec& device) {
    double size = 32 * 1024;
    for (int i = 0; i < 7; ++i, size *= 8) {
      const bool is_cache = size < 32e6;
      for (const auto& [kernel, factor, flop] : {std::tuple{"copy", 1.0, 0.0}, {"triad", 0.94, 1 / 6.0}}) {
        const double rate = device.bandwidth * factor * (is_cache ? 1 + 5.0 / (1 + i) : 1 - 0.01 * (7 - i));
        out.add("memory_bandwidth_gb_per_s", rate, "GB/s",
                members({{"kernel", kernel},
                         {"size_bytes", static_cast<int64_t>(size)},
                         {"memory", is_cache ? "cache" : "ram"},
                         {"kernels_of", "ggml"},
                         {"flop_per_byte", flop},
                         {"best", i == 6 && flop == 0}}),
                0.03, 40);
      }
    }
    out.derive("memory_bandwidth_gb_per_s", device.bandwidth_bound, "GB/s",
               members({{"bound", "theoretical"}}), "2 channels × 8 bytes × 3,200 MT/s");
    out.derive("roofline_efficiency", device.bandwidth / device.bandwidth_bound, "",
               members({{"of", "memory_bandwidth_gb_per_s"}}), "best copy ÷ bound");
    for (const auto& [type, factor, bytes] : {std::tuple{"f32", 0.5, 4.0},
                                              {"f16", 0.8, 2.0},
                                              {"bf16", 0.62, 2.0},
                                              {"q8_0", 1.0, 1.06},
                                              {"q4_0", 0.93, 0.56},
                                              {"q4_K", 0.71, 0.56}}) {
      for (const int n : {1, 16, 128, 512}) {
        const double fill = n / (n + 20.0);
        Record& record = out.add(
            "matmul_tflop_per_s", device.matmul * factor * fill, "TFLOP/s",
            members({{"dtype", type},
                     {"m", 2048},
                     {"n", n},
                     {"k", 2048},
                     {"kernel", fmt::format("matmul {}", type)},
                     {"kernels_of", "ggml"},
                     {"flop_per_byte", 2.0 * 2048 * n * 2048 / (2048 * 2048 * bytes + 4.0 * n * 4096)},
                     {"best", n == 512}}),
            0.012, 24);
        if (std::string_view(type) == "bf16" && n == 512) record.validity = Validity::kDoubtful;
      }
      out.derive("matmul_tflop_per_s", device.matmul_bound * (factor < 0.6 ? 0.5 : 1), "TFLOP/s",
                 members({{"dtype", type}, {"bound", "theoretical"}}),
                 "cores × FMA units × lanes × 2 × clock");
    }
    out.add("attention_tflop_per_s", device.matmul * 0.4, "TFLOP/s",
            members({{"dtype", "f16"},
                     {"heads", 16},
                     {"head_size", 64},
                     {"queries", 512},
                     {"keys", 512},
                     {"kernel", "attention"},
                     {"flop_per_byte", 128.0}}),
            0.02, 24);
    // One token's worth of each type, bound by memory.
    for (const auto& [type, factor, bytes] : {std::tuple{"f32", 0.7, 4.0},
                                              {"f16", 0.9, 2.0},
                                              {"bf16", 0.85, 2.0},
                                              {"q8_0", 0.6, 1.06},
                                              {"q4_0", 0.5, 0.56}}) {
      const double flop_per_byte = 2 / bytes;
      out.add("matmul_tflop_per_s", device.bandwidth * factor * flop_per_byte / 1000, "TFLOP/s",
              members({{"dtype", type},
                       {"m", 4096},
                       {"n", 1},
                       {"k", 4096},
                       {"kernel", "matrix-vector"},
                       {"kernels_of", "ggml"},
                       {"flop_per_byte", flop_per_byte}}),
              0.03, 24);
    }
    out.add("launch_overhead_us", 6.2, "µs", Json::object(), 0.08, 200);
    out.add("host_to_device_gb_per_s", 11.9, "GB/s", members({{"size_bytes", 268435456}}), 0.02, 30);
    out.find(Severity::kDoubtful, "roofline.noisy",
             hostile("The interval of matmul bf16 stayed wider than 2 % when time ran out."),
             members({{"relative_interval", 0.034}}));
  }

  void engine(Outcome& out, const DeviceSpec& device) {
    const std::string model = hostile("SmolLM2-135M.Q4_1");
    const auto with_model = [&](std::initializer_list<std::pair<std::string, Json>> more) {
      Json json = members({{"model", model}, {"batch_tokens", 512}});
      for (const auto& [key, value] : more) json.set(key, value);
      return json;
    };
    out.add("prefill_tokens_per_s", device.prefill, "tokens/s", with_model({{"prompt_tokens", 512}}), 0.011,
            10);
    out.add("decode_tokens_per_s", device.decode, "tokens/s", with_model({{"output_tokens", 64}}), 0.008, 10);
    for (const int sequences : {1, 2, 4, 8, 16, 32}) {
      out.add("batched_decode_tokens_per_s", device.decode * (1 + 1.3 * (1 - 1.0 / sequences)), "tokens/s",
              with_model({{"sequences", sequences}}), 0.015, 8);
    }
    out.add("model_load_s", 0.41, "s", with_model({}), 0, 1);
    out.add("model_memory_bytes", 214e6, "bytes", with_model({}), 0, 1);
    out.derive("engine_efficiency", device.decode_efficiency, "", with_model({{"of", "decode"}}),
               "decode × bytes per token ÷ best copy bandwidth");
    out.derive("engine_efficiency", device.prefill_efficiency, "", with_model({{"of", "prefill"}}),
               "prefill × operations per token ÷ best matmul");
  }

  // One trial's requests from a server of eight sequences, first come first served.
  struct Drawn {
    std::vector<int64_t> id, class_index, scheduled, sent, admitted, first, last, end, prompt, output, chunks,
        failure, in_window, good;
    std::vector<int64_t> chunk_count, chunk_at, chunk_tokens;
  };

  Drawn draw(const DeviceSpec& device, const std::vector<int>& classes, uint32_t per_class, double rate) {
    Drawn drawn;
    std::vector<double> free_at(8, 0.0);
    double at = 0;
    const auto ns = [](double s) { return static_cast<int64_t>(s * 1e9); };
    for (uint32_t i = 0; i < per_class * classes.size(); ++i) {
      const size_t place = i % classes.size();
      const ClassSpec& spec = kClasses[classes[place]];
      at += random_.exponential() / rate;
      const double prompt = std::max(4.0, spec.prompt_tokens * std::exp(0.4 * random_.normal()));
      const double output = std::max(2.0, std::round(spec.output_tokens * std::exp(0.3 * random_.normal())));
      double& server = *std::min_element(free_at.begin(), free_at.end());
      const double start = std::max(at, server),
                   tpot = 5.5 / device.decode * (1 + 0.2 * std::fabs(random_.normal()));
      const double first = start + 1.6 * prompt / device.prefill * (1 + 0.3 * random_.exponential()),
                   last = first + tpot * (output - 1);
      const bool has_failed = random_.uniform() < 0.008;
      server = has_failed ? first : last;
      const double ttft_ms = (first - at) * 1e3, tpot_ms = tpot * 1e3, e2e_ms = (last - at) * 1e3;
      const auto keeps = [](double value, double limit) { return limit == 0 || value <= limit; };
      const bool is_good = !has_failed && keeps(ttft_ms, spec.ttft_limit_ms) &&
                           keeps(tpot_ms, spec.tpot_limit_ms) && keeps(e2e_ms, spec.e2e_limit_ms);
      drawn.id.push_back(i + 1);
      drawn.class_index.push_back(static_cast<int64_t>(place));
      drawn.scheduled.push_back(ns(at));
      drawn.sent.push_back(ns(at + 2e-5));
      drawn.admitted.push_back(ns(start));
      drawn.first.push_back(has_failed ? 0 : ns(first));
      drawn.last.push_back(has_failed ? 0 : ns(last));
      drawn.end.push_back(ns(has_failed ? first : last + 1e-4));
      drawn.prompt.push_back(static_cast<int64_t>(prompt));
      drawn.output.push_back(has_failed ? 0 : static_cast<int64_t>(output));
      drawn.failure.push_back(has_failed ? 6 : 0);
      drawn.in_window.push_back(i >= per_class / 20);
      drawn.good.push_back(is_good);
      const int64_t chunks =
          has_failed ? 0 : std::min<int64_t>(options_.chunks_per_request, static_cast<int64_t>(output));
      drawn.chunks.push_back(chunks);
      drawn.chunk_count.push_back(chunks);
      for (int64_t k = 0; k < chunks; ++k) {
        drawn.chunk_at.push_back(ns(first + (last - first) * static_cast<double>(k) /
                                                std::max<double>(1, static_cast<double>(chunks - 1))));
        drawn.chunk_tokens.push_back(1);
      }
    }
    return drawn;
  }

  static void add_samples(Outcome& out, Drawn drawn) {
    Columns requests, chunks;
    for (auto& [name, values] : {std::pair{"id", &drawn.id},
                                 {"class", &drawn.class_index},
                                 {"scheduled_ns", &drawn.scheduled},
                                 {"sent_ns", &drawn.sent},
                                 {"admitted_ns", &drawn.admitted},
                                 {"first_ns", &drawn.first},
                                 {"first_output_ns", &drawn.first},
                                 {"last_ns", &drawn.last},
                                 {"end_ns", &drawn.end},
                                 {"prompt_tokens", &drawn.prompt},
                                 {"output_tokens", &drawn.output},
                                 {"chunks", &drawn.chunks},
                                 {"failure", &drawn.failure},
                                 {"in_window", &drawn.in_window},
                                 {"good", &drawn.good}}) {
      requests.add(name, *values);
    }
    chunks.add("count", std::move(drawn.chunk_count));
    chunks.add("at_ns", std::move(drawn.chunk_at));
    chunks.add("tokens", std::move(drawn.chunk_tokens));
    out.outcome.samples.push_back({.name = "requests", .columns = std::move(requests)});
    out.outcome.samples.push_back({.name = "chunks", .columns = std::move(chunks)});
  }

  void add_distribution(Outcome& out, const char* metric, std::vector<double> values,
                        const Json& conditions) {
    std::sort(values.begin(), values.end());
    const auto n = static_cast<int64_t>(values.size());
    for (const auto& [statistic, share, least] :
         {std::tuple{"p50", 0.5, 11}, {"p90", 0.9, 64}, {"p95", 0.95, 130}, {"p99", 0.99, 662}}) {
      const bool is_supported = n >= least;
      const std::optional<double> value =
          is_supported ? std::optional(values[static_cast<size_t>(share * static_cast<double>(n - 1))])
                       : std::nullopt;
      Record& record = out.add(unit_statistic(metric, statistic), value, "ms", conditions, 0.06, n);
      record.method = "order statistic";
      if (!is_supported) record.validity = Validity::kInsufficient;
    }
    if (n > 0) out.add(unit_statistic(metric, "max"), values.back(), "ms", conditions, 0, n);
  }

  void load(Outcome& out, const Trial& trial, const DeviceSpec& device) {
    const bool is_mix = trial.parameters["phase"].as_string() == "mix";
    std::vector<int> classes;
    for (int i = 0; i < static_cast<int>(std::size(kClasses)); ++i) {
      if (is_mix || trial.parameters["traffic_class"].as_string() == hostile(kClasses[i].name))
        classes.push_back(i);
    }
    const double rate = device.decode / (is_mix ? 84 : 150);
    Drawn drawn = draw(device, classes, options_.requests_per_class, rate);
    const double seconds = static_cast<double>(drawn.end.back()) / 1e9;
    const auto conditions_for = [&](const std::string& name) {
      return members({{"phase", is_mix ? "mix" : "alone"},
                      {"traffic_class", name},
                      {"model", hostile("SmolLM2-135M.Q4_1")}});
    };
    int64_t all_good = 0, all = 0, all_output = 0, all_failed = 0;
    std::vector<double> all_tpot;
    for (size_t c = 0; c < classes.size(); ++c) {
      const ClassSpec& spec = kClasses[classes[c]];
      Json conditions = conditions_for(hostile(spec.name));
      std::vector<double> ttft, tpot, e2e;
      int64_t n = 0, good = 0, failed = 0, output = 0;
      for (size_t i = 0; i < drawn.id.size(); ++i) {
        if (drawn.class_index[i] != static_cast<int64_t>(c) || drawn.in_window[i] == 0) continue;
        ++n;
        good += drawn.good[i];
        failed += drawn.failure[i] != 0;
        output += drawn.output[i];
        if (drawn.failure[i] != 0) continue;
        ttft.push_back(static_cast<double>(drawn.first[i] - drawn.scheduled[i]) / 1e6);
        tpot.push_back(static_cast<double>(drawn.last[i] - drawn.first[i]) / 1e6 /
                       static_cast<double>(drawn.output[i] - 1));
        e2e.push_back(static_cast<double>(drawn.last[i] - drawn.scheduled[i]) / 1e6);
      }
      all_tpot.insert(all_tpot.end(), tpot.begin(), tpot.end());
      all += n;
      all_good += good;
      all_failed += failed;
      all_output += output;
      add_distribution(out, "ttft_ms", ttft, conditions);
      add_distribution(out, "tpot_ms", tpot, conditions);
      add_distribution(out, "chunk_gap_ms", tpot, conditions);
      add_distribution(out, "e2e_ms", e2e, conditions);
      service(out, conditions, spec, n, good, failed, static_cast<double>(output), seconds);
    }
    if (is_mix) {
      Json conditions = conditions_for("all");
      add_distribution(out, "tpot_ms", all_tpot, conditions);
      service(out, conditions, kClasses[0], all, all_good, all_failed, static_cast<double>(all_output),
              seconds);
      out.add("input_throughput_tokens_per_s", 1.9 * static_cast<double>(all_output) / seconds, "tokens/s",
              conditions, 0.04, all);
    }
    instrument(out, trial, conditions_for("all"), all);
    add_samples(out, std::move(drawn));
    if (is_mix && &device == &kDevices[0])
      out.find(Severity::kDoubtful, "load.rate-not-held",
               hostile("CPU served 2.61 of 3.03 requests/s that were offered: it cannot hold this rate."),
               members({{"offered_rate_per_s", 3.03}, {"request_throughput_per_s", 2.61}}));
    if (!is_mix)
      out.find(Severity::kNote, "load.too-few-samples",
               "p95 and p99 need more requests than this trial had.");
  }

  // Latencies that grow as the rate comes near to what the device can do.
  void sweep(Outcome& out, const DeviceSpec& device, double rate) {
    const double most = device.decode / 10, served = std::min(rate, 0.97 * most);
    const Json conditions = members({{"phase", "sweep"},
                                     {"sweep_rate_per_s", rate},
                                     {"traffic_class", "all"},
                                     {"model", hostile("SmolLM2-135M.Q4_1")}});
    const double wait = 1 / (1 - served / most);
    out.add("ttft_ms_p50", 60 * wait, "ms", conditions, 0.05, 128);
    out.add("ttft_ms_p90", 140 * wait, "ms", conditions, 0.1, 128);
    out.add("tpot_ms_p50", 9 + 2 * wait, "ms", conditions, 0.03, 128);
    out.add("tpot_ms_p90", 12 + 3 * wait, "ms", conditions, 0.05, 128);
    out.add("offered_rate_per_s", rate, "requests/s", conditions, 0, 128);
    out.add("request_throughput_per_s", served, "requests/s", conditions, 0.05, 128);
    out.add("output_throughput_tokens_per_s", 64 * served, "tokens/s", conditions, 0.05, 128);
    out.add("error_rate", 0, "", conditions, 0, 128);
  }

  void capacity(Outcome& out, const DeviceSpec& device) {
    const double holds = device.decode / 20;
    for (const char* tier : {"slo", "relaxed"}) {
      const bool is_own = std::string_view(tier) == "slo";
      const double low = is_own ? holds : 1.5 * holds;
      const std::string name = is_own ? tier : hostile(tier);
      Record& found = out.add("capacity_per_s", 1.03 * low, "requests/s",
                              members({{"phase", "capacity"},
                                       {"traffic_class", "all"},
                                       {"tier", name},
                                       {"limited_by", hostile(kClasses[0].name)},
                                       {"probes", 9},
                                       {"search_s", 732.5},
                                       {"ended", is_own ? "resolved" : "budget spent"}}),
                              0.03, 4200);
      found.method = "sequential search";
      for (size_t c = 0; c < 2; ++c) {
        for (const double part : {0.25, 0.5, 1.0, 1.05, 1.4, 2.0}) {
          const double share = std::max(0.02, 0.99 - 0.3 * std::max(0.0, part - 0.75) * (c == 0 ? 2 : 1));
          Record& kept = out.add("slo_attainment", share, "",
                                 members({{"phase", "capacity"},
                                          {"traffic_class", hostile(kClasses[c].name)},
                                          {"tier", name},
                                          {"probe_rate_per_s", part * low},
                                          {"verdict", part <= 1 ? "holds" : "fails"}}),
                                 0, 400);
          kept.ci_low = std::max(0.0, share - 0.04);
          kept.ci_high = std::min(1.0, share + 0.03);
          kept.confidence = 0.95;
        }
      }
    }
  }

  static void service(Outcome& out, const Json& conditions, const ClassSpec& spec, int64_t n, int64_t good,
                      int64_t failed, double output, double seconds) {
    const auto share = static_cast<double>(good) / static_cast<double>(std::max<int64_t>(1, n));
    Json with_slo = conditions;
    if (spec.ttft_limit_ms > 0) with_slo.set("slo_ttft_ms", spec.ttft_limit_ms);
    if (spec.tpot_limit_ms > 0) with_slo.set("slo_tpot_ms", spec.tpot_limit_ms);
    if (spec.e2e_limit_ms > 0) with_slo.set("slo_e2e_ms", spec.e2e_limit_ms);
    with_slo.set("required_share", 0.9);
    Record& attainment = out.add("slo_attainment", share, "", with_slo, 0, n);
    attainment.ci_low = std::max(0.0, share - 0.07);
    attainment.ci_high = std::min(1.0, share + 0.05);
    attainment.confidence = 0.95;
    out.add("goodput_per_s", static_cast<double>(good) / seconds, "requests/s", conditions, 0.07, n);
    out.add("request_throughput_per_s", static_cast<double>(n - failed) / seconds, "requests/s", conditions,
            0.05, n);
    out.add("offered_rate_per_s", static_cast<double>(n) / seconds * 1.03, "requests/s", conditions, 0, n);
    out.add("output_throughput_tokens_per_s", output / seconds, "tokens/s", conditions, 0.05, n);
    out.add("error_rate", static_cast<double>(failed) / static_cast<double>(std::max<int64_t>(1, n)), "",
            conditions, 0.5, n);
  }

  // One trial of the second device was late: its numbers are void.
  void instrument(Outcome& out, const Trial& trial, const Json& conditions, int64_t n) {
    const bool is_late = trial.name.starts_with("load agent alone on Vulkan0");
    out.add("send_lag_ms_p50", 0.008, "ms", conditions, 0, n);
    out.add("send_lag_ms_p99", is_late ? 31.0 : 0.021, "ms", conditions, 0, n);
    out.add("client_cpu_utilisation", 0.021, "", conditions, 0, 1);
    if (!is_late) return;
    for (Record& record : out.outcome.records) {
      if (record.value) record.validity = Validity::kVoid;
    }
    out.find(Severity::kDoubtful, "load.generator-late",
             "The load generator was 31 ms late at p99.9; its budget is 10 ms. The trial is void.",
             members({{"send_lag_ms_p99_9", 31.0}}));
  }

  std::vector<Verdict> verdicts() const {
    std::vector<Verdict> out = {
        {.question = 1,
         .answer = Answer::kYes,
         .reason = hostile("SmolLM2-135M ran on CPU and Vulkan0; one of 14 load trials died"),
         .exam = "load",
         .record_ids = {45, 46}},
        {.question = 2,
         .answer = Answer::kNo,
         .reason = hostile("agent on CPU keeps its limits for 61 % of requests (needs 90 %)"),
         .exam = "load",
         .record_ids = {60, 61}},
    };
    for (int question = 3; question <= 8; ++question) out.push_back({.question = question});
    out.push_back({.question = 2,
                   .requirement_id = 1,
                   .answer = Answer::kNo,
                   .reason = "0.38 requests/s (0.35–0.41)",
                   .exam = "load",
                   .record_ids = {60}});
    out.push_back({.question = 2,
                   .requirement_id = 2,
                   .answer = Answer::kNotExamined,
                   .reason = "too few samples",
                   .exam = "load"});
    return out;
  }

  const SampleDossierOptions& options_;
  Random random_;
  std::vector<Trial> trials_;
};

}  // namespace

Result<void> write_sample_dossier(const std::string& path, const SampleDossierOptions& options) {
  return Writer(options).write(path);
}

}  // namespace assay
