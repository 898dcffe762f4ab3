// Medians of the mix over those alone; see interference.h.
#include "exam/load/interference.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace assay {
namespace {

class Trials {
 public:
  explicit Trials(const DossierContent& content) : content_(content) {
    for (const Trial& trial : content.trials) {
      if (trial.exam == "load") by_id_[trial.id] = &trial;
    }
  }

  const Record* find(const std::string& target, std::string_view phase, const std::string& traffic_class,
                     const char* metric) const {
    for (const Record& record : content_.records) {
      const auto trial = by_id_.find(record.trial_id);
      if (record.metric == metric && trial != by_id_.end() && trial->second->target == target &&
          record.conditions["phase"].as_string() == phase &&
          record.conditions["traffic_class"].as_string() == traffic_class) {
        return &record;
      }
    }
    return nullptr;
  }

  // A class that came at a rate of its own, since the mix left none when it was measured, shows nothing of
  // the others.
  bool is_comparable(const std::string& target, const std::string& traffic_class) const {
    const Record* alone = find(target, "alone", traffic_class, "offered_rate_per_s");
    return alone == nullptr || alone->conditions["rate_chosen_by"].as_string() != "burst";
  }

  std::string rate(const std::string& target, std::string_view phase,
                   const std::string& traffic_class) const {
    const Record* record = find(target, phase, traffic_class, "offered_rate_per_s");
    return record != nullptr && record->value ? format_number(*record->value) : "an unknown number of";
  }

 private:
  const DossierContent& content_;
  std::map<int64_t, const Trial*> by_id_;
};

void set_interval(const Record& mix, const Record& alone, Record& record) {
  if (!mix.ci_low || !mix.ci_high || !alone.ci_low || !alone.ci_high || *alone.ci_low <= 0) return;
  record.ci_low = *mix.ci_low / *alone.ci_high;
  record.ci_high = *mix.ci_high / *alone.ci_low;
  record.confidence = std::max(0.0, mix.confidence + alone.confidence - 1);  // Bonferroni
}

// Whose medians are compared, and what the ratio is called.
struct Ratio {
  const char* metric;
  const char* latency;
  const char* title;
};

std::optional<Record> ratio_of(const Trials& trials, const Trial& trial, const Ratio& ratio) {
  const std::string& name = trial.parameters["traffic_class"].as_string();
  const Record* mix = trials.find(trial.target, "mix", name, ratio.latency);
  const Record* alone = trials.find(trial.target, "alone", name, ratio.latency);
  if (mix == nullptr || alone == nullptr) return std::nullopt;
  Record record;
  record.subject_id = mix->subject_id;
  record.evidence_class = EvidenceClass::kDerived;
  record.metric = ratio.metric;
  record.conditions = mix->conditions;
  record.conditions.set("target", trial.target);
  record.source = fmt::format("assay, trials {} and {}", mix->trial_id, alone->trial_id);
  for (const auto& [median, where] : {std::pair{alone, "alone"}, {mix, "in the mix"}}) {
    if (median->validity != Validity::kInsufficient) continue;
    record.n = median->n;
    record.validity = Validity::kInsufficient;
    record.method = fmt::format("median {} of {} {}: {}", ratio.title, name, where, median->method);
    return record;
  }
  if (!mix->value || !alone->value || *alone->value <= 0) return std::nullopt;
  record.value = *mix->value / *alone->value;
  set_interval(*mix, *alone, record);
  record.n = std::min(mix->n, alone->n);
  record.method = fmt::format(
      "median {} of {}: {} ms in the mix (all classes at {} requests/s) / {} ms alone (at {} requests/s)",
      ratio.title, name, format_number(*mix->value), trials.rate(trial.target, "mix", "all"),
      format_number(*alone->value), trials.rate(trial.target, "alone", name));
  record.validity = std::max(mix->validity, alone->validity);  // valid < doubtful < void
  return record;
}

}  // namespace

std::vector<Record> interference_records(const DossierContent& content) {
  const Trials trials(content);
  std::vector<Record> records;
  for (const Trial& trial : content.trials) {
    if (trial.exam != "load" || trial.parameters["phase"].as_string() != "alone") continue;
    const std::string& name = trial.parameters["traffic_class"].as_string();
    if (!trials.is_comparable(trial.target, name)) continue;
    // Of answers that come at once the end is the first that is seen.
    const bool streams = trials.find(trial.target, "alone", name, "ttft_ms_p50") != nullptr;
    const Ratio first =
        streams ? Ratio{"interference", "ttft_ms_p50", "TTFT"} : Ratio{"interference", "e2e_ms_p50", "E2E"};
    for (const Ratio& ratio : {first, Ratio{"tpot_interference", "tpot_ms_p50", "TPOT"}}) {
      if (std::optional<Record> record = ratio_of(trials, trial, ratio))
        records.push_back(std::move(*record));
    }
  }
  return records;
}

}  // namespace assay
