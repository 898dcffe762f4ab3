// Bests, bounds and efficiencies; see bounds.h.
#include "exam/roofline/bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "exam/roofline/peak.h"

namespace assay {
namespace {

constexpr std::string_view kMatmul = "matmul_tflop_per_s", kBandwidth = "memory_bandwidth_gb_per_s";

bool is_measured(const Record& record, std::string_view metric) {
  return record.evidence_class == EvidenceClass::kMeasured && record.metric == metric &&
         record.value.has_value() && record.validity != Validity::kVoid;
}

const std::string& text(const Record& record, std::string_view name) {
  return record.conditions[name].as_string();
}

Record derived(std::string_view metric, double value, const char* unit, std::string method, Json conditions) {
  Record record;
  record.evidence_class = EvidenceClass::kDerived;
  record.metric = metric;
  record.value = value;
  record.unit = unit;
  record.method = std::move(method);
  record.conditions = std::move(conditions);
  record.source = "assay";
  return record;
}

// The best record of each group, by a key that leaves the others out.
template <class Key>
std::map<std::string, size_t> best_by(const std::vector<Record>& records, std::string_view metric, Key key) {
  std::map<std::string, size_t> best;
  for (size_t i = 0; i < records.size(); ++i) {
    if (!is_measured(records[i], metric)) continue;
    const auto [it, is_new] = best.emplace(key(records[i]), i);
    if (!is_new && *records[i].value > *records[it->second].value) it->second = i;
  }
  return best;
}

}  // namespace

void mark_best(std::vector<Record>& records) {
  for (const auto& [dtype, index] :
       best_by(records, kMatmul, [](const Record& r) { return text(r, "dtype"); })) {
    records[index].conditions.set("best", true);
  }
  const auto by_memory = best_by(records, kBandwidth, [](const Record& r) { return text(r, "memory"); });
  const auto ram = by_memory.contains("ram") ? by_memory.find("ram") : by_memory.begin();
  if (ram != by_memory.end()) records[ram->second].conditions.set("best", true);
}

void add_cpu_bounds(const CpuInfo& cpu, int64_t cores, double clock_ghz, TrialOutcome& outcome) {
  if (cores <= 0 || clock_ghz <= 0) return;
  const auto best = best_by(outcome.records, kMatmul, [](const Record& r) { return text(r, "dtype"); });
  for (const auto& [dtype, index] : best) {
    const auto peak = cycle_peak(cpu, dtype);
    if (!peak) continue;
    const double bound = static_cast<double>(cores) * peak->flop_per_cycle * clock_ghz / 1000;
    const double measured = *outcome.records[index].value;
    const std::string& device = text(outcome.records[index], "device");
    const std::string method = fmt::format(
        "{} × {} FLOP a cycle × {:.2f} GHz; {}; clock of one core by a chain of dependent additions. An upper "
        "bound: virtual cores may share a physical one, and the clock drops when all compute.",
        counted(cores, "core"), peak->flop_per_cycle, clock_ghz, peak->words);
    Json conditions = Json::object().set("bound", "theoretical").set("dtype", dtype).set("device", device);
    outcome.records.push_back(derived(kMatmul, bound, "TFLOP/s", method, conditions));
    conditions = Json::object().set("of", kMatmul).set("dtype", dtype).set("device", device);
    outcome.records.push_back(derived(
        "roofline_efficiency", measured / bound, "",
        fmt::format("{} / {} GFLOP/s", format_number(measured * 1e3, 4), format_number(bound * 1e3, 4)),
        conditions));
    if (measured <= bound) continue;
    outcome.records.back().validity = Validity::kDoubtful;
    Finding finding;
    finding.severity = Severity::kDoubtful;
    finding.code = "roofline.above-bound";
    finding.text = fmt::format(
        "{} multiplies {} matrices at {} TFLOP/s, above the bound of {}: the clock was measured while the machine was "
        "busy, or the CPU is not what it says it is.",
        device, dtype, format_number(measured), format_number(bound));
    finding.evidence = Json::object().set("measured", measured).set("bound", bound).set("dtype", dtype);
    outcome.findings.push_back(std::move(finding));
  }
}

namespace {

// Of the whole device, or of one type of weights; its upper and lower case differ between ggml and GGUF.
const Record* best_of(const DossierContent& content, int64_t subject, std::string_view metric,
                      std::string_view dtype = "") {
  const Record* best = nullptr;
  for (const Record& record : content.records) {
    if (record.subject_id != subject || !is_measured(record, metric) || !record.conditions["best"].as_bool())
      continue;
    if (!dtype.empty() && lower(text(record, "dtype")) != lower(dtype)) continue;
    if (best == nullptr || *record.value > *best->value) best = &record;
  }
  return best;
}

// Whose it is, where a kit has measured it: the engine is held against the best there is.
std::string by_whom(const Record& kernel) {
  const std::string& library = text(kernel, "library");
  return library.empty() ? "" : fmt::format(", by kernels of {}", library);
}

Record efficiency(const DossierContent& content, const Record& speed, const char* of, double value,
                  std::string method) {
  Json conditions = Json::object().set("of", of);
  for (const Trial& trial : content.trials) {
    if (trial.id == speed.trial_id && speed.trial_id != 0) conditions.set("target", trial.target);
  }
  for (const char* name : {"device", "model", "weights_type"}) {
    if (!text(speed, name).empty()) conditions.set(name, text(speed, name));
  }
  Record record = derived("engine_efficiency", value, "", std::move(method), std::move(conditions));
  record.subject_id = speed.subject_id;
  record.validity = speed.validity;
  return record;
}

}  // namespace

std::vector<Record> engine_efficiency_records(const DossierContent& content) {
  std::vector<Record> records;
  for (const Record& speed : content.records) {
    const double bytes = speed.conditions["weight_bytes_per_token"].as_number();
    const double flop = speed.conditions["flop_per_token"].as_number();
    if (is_measured(speed, "decode_tokens_per_s") && bytes > 0) {
      const Record* bandwidth = best_of(content, speed.subject_id, kBandwidth);
      if (bandwidth == nullptr || *bandwidth->value <= 0) continue;
      records.push_back(efficiency(
          content, speed, "decode", *speed.value * bytes / 1e9 / *bandwidth->value,
          fmt::format(
              "{} tokens/s × {} MB of weights a token / {} MB/s, the best bandwidth measured ({}{}); weights "
              "that stay in a cache may exceed 1",
              format_number(*speed.value, 4), format_number(bytes / 1e6, 4),
              format_number(*bandwidth->value * 1e3, 4), text(*bandwidth, "kernel"), by_whom(*bandwidth))));
    }
    if (is_measured(speed, "prefill_tokens_per_s") && flop > 0) {
      // Another type's kernel is another limit.
      const std::string& type = text(speed, "weights_type");
      const Record* matmul = type.empty() ? nullptr : best_of(content, speed.subject_id, kMatmul, type);
      if (matmul == nullptr || *matmul->value <= 0) continue;
      records.push_back(efficiency(
          content, speed, "prefill", *speed.value * flop / 1e12 / *matmul->value,
          fmt::format(
              "{} tokens/s × {} MFLOP a token / {} GFLOP/s, the best multiplication measured with {} weights{}",
              format_number(*speed.value, 4), format_number(flop / 1e6, 4),
              format_number(*matmul->value * 1e3, 4), text(*matmul, "dtype"), by_whom(*matmul))));
    }
  }
  return records;
}

}  // namespace assay
