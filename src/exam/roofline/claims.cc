// Claims as records; see claims.h.
#include "exam/roofline/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "exam/chip_of_device.h"
#include "exam/findings.h"

namespace assay {
namespace {

Json conditions_of(const Chip& chip, const ChipClaim& claim, const std::string& device) {
  Json conditions =
      Json::object().set("device", device).set("chip", chip.id).set("basis", name_of(claim.basis));
  for (const auto& [name, text] : {std::pair{"dtype", &claim.dtype},
                                   {"sparsity", &claim.sparsity},
                                   {"accumulator", &claim.accumulator}}) {
    if (!text->empty()) conditions.set(name, *text);
  }
  conditions.set("grade", name_of(claim.grade)).set("date", claim.date);
  if (claim.basis == Basis::kCard && chip.devices_per_card != 0)
    conditions.set("devices_per_card", chip.devices_per_card);
  if (!claim.note.empty()) conditions.set("note", claim.note);
  return conditions;
}

Record claimed(const Chip& chip, const ChipClaim& claim, const std::string& device) {
  Record record;
  record.evidence_class = EvidenceClass::kClaimed;
  record.metric = claim.field->metric;
  record.value = claim.value;
  record.unit = claim.unit;
  record.method =
      fmt::format("claimed of a {}; grade {}; {}", name_of(claim.basis), name_of(claim.grade), claim.where);
  record.conditions = conditions_of(chip, claim, device);
  record.source = claim.source;
  return record;
}

Record share_of_one_device(const Chip& chip, const ChipClaim& claim, const std::string& device) {
  Record record = claimed(chip, claim, device);
  record.evidence_class = EvidenceClass::kDerived;
  record.value = claim.value / chip.devices_per_card;
  record.method = fmt::format("{} claimed of a card (grade {}) ÷ {} devices of a card, all alike; {}",
                              value_text(claim), name_of(claim.grade), chip.devices_per_card, claim.where);
  record.conditions.set("basis", name_of(Basis::kDevice)).set("bound", "claimed");
  return record;
}

// A claim that a kernel on one device can be held against.
bool is_limit(const Record& record) {
  const Json& conditions = record.conditions;
  if (!record.value || conditions["chip"].as_string().empty() ||
      conditions["sparsity"].as_string() == "sparse")
    return false;
  if (record.evidence_class == EvidenceClass::kDerived) return conditions["bound"].as_string() == "claimed";
  if (record.evidence_class != EvidenceClass::kClaimed) return false;
  const bool is_of_device = conditions["basis"].as_string() == name_of(Basis::kDevice);
  return is_of_device || (conditions["basis"].as_string() == name_of(Basis::kCard) &&
                          conditions["devices_per_card"].as_integer() == 1);
}

// The highest claim that the measured record could be held against; null: nothing is claimed of it.
const Record* highest_limit(const DossierContent& content, const Record& measured) {
  const std::string& dtype = measured.conditions["dtype"].as_string();
  const std::vector<std::string> dtypes =
      dtype.empty() ? std::vector<std::string>{""} : claimed_dtypes(dtype);
  const Record* highest = nullptr;
  for (const Record& record : content.records) {
    const bool is_of_it = record.subject_id == measured.subject_id && record.metric == measured.metric &&
                          is_limit(record) &&
                          std::ranges::find(dtypes, record.conditions["dtype"].as_string()) != dtypes.end();
    if (is_of_it && (highest == nullptr || *record.value > *highest->value)) highest = &record;
  }
  return highest;
}

// Of quantities that a claim limits: what data in a cache does is claimed by nobody.
bool may_be_limited(const Record& record) {
  const bool is_rate =
      record.metric == "matmul_tflop_per_s" ||
      (record.metric == "memory_bandwidth_gb_per_s" && record.conditions["memory"].as_string() != "cache");
  return is_rate && record.evidence_class == EvidenceClass::kMeasured && record.value &&
         record.validity != Validity::kVoid;
}

Finding above_claim(const Record& measured, const Record& limit) {
  const std::string& dtype = measured.conditions["dtype"].as_string();
  const char* of = measured.metric == "matmul_tflop_per_s" ? "matrix multiplication" : "memory bandwidth";
  Finding finding = make_finding(
      Severity::kDoubtful, "roofline.above-claim",
      fmt::format(
          "The {}{} that was measured, {} {}, is above all that is claimed of one device, {} {} at most ({}, grade "
          "{}). The measurement or the claim is wrong, or they are not of the same thing: a device and "
          "a card, another type, data that stay in a cache.",
          of, dtype.empty() ? "" : " in " + dtype, format_number(*measured.value), measured.unit,
          format_number(*limit.value), limit.unit, printable(limit.source, 200),
          limit.conditions["grade"].as_string()),
      Json::object()
          .set("measured", *measured.value)
          .set("claimed", *limit.value)
          .set("unit", measured.unit));
  finding.subject_id = measured.subject_id;
  return finding;
}

}  // namespace

std::vector<Finding> above_claim_findings(const DossierContent& content) {
  constexpr double kAbove = 1.02;  // claims are round numbers
  // The highest of each kind only: the sizes below it say no more.
  std::map<std::tuple<int64_t, std::string, std::string>, const Record*> worst;
  for (const Record& record : content.records) {
    if (!may_be_limited(record)) continue;
    const Record*& kept = worst[{record.subject_id, record.metric, record.conditions["dtype"].as_string()}];
    if (kept == nullptr || *record.value > *kept->value) kept = &record;
  }
  std::vector<Finding> findings;
  for (const auto& [kind, measured] : worst) {
    const Record* limit = highest_limit(content, *measured);
    if (limit == nullptr || *measured->value <= kAbove * *limit->value) continue;
    const bool may_be_noise = measured->ci_low && *measured->ci_low <= *limit->value;
    if (!may_be_noise) findings.push_back(above_claim(*measured, *limit));
  }
  return findings;
}

std::vector<Record> claim_records(const Chip& chip, const std::string& device) {
  std::vector<Record> records;
  for (const ChipClaim& claim : chip.claims) {
    if (*claim.field->metric == '\0') continue;
    records.push_back(claimed(chip, claim, device));
    if (claim.basis == Basis::kCard && chip.devices_per_card > 1)
      records.push_back(share_of_one_device(chip, claim, device));
  }
  return records;
}

void add_claims(const ChipCatalogue& catalogue, const Json& host, const std::string& device, const Json& told,
                TrialOutcome& outcome) {
  const Json* known = told.is_null() ? nullptr : &told;
  for (const Json& one : host["devices"].items()) {
    if (one["name"].as_string() == device) known = &one;
  }
  if (known == nullptr) return;
  const ChipMatch match = chip_of_device(catalogue, host, *known);
  if (match.chip != nullptr) {
    for (Record& record : claim_records(*match.chip, device)) outcome.records.push_back(std::move(record));
  } else if (!match.because.empty()) {
    outcome.findings.push_back(
        make_finding(Severity::kNote, "roofline.no-claims",
                     fmt::format("No claim is held against {}: {}.", printable(device, 80), match.because)));
  }
}

Result<void> add_claims_once(const Dossier* dossier, const Trial& trial, const std::string& device,
                             const Json& told, TrialOutcome& outcome) {
  DossierContent content;
  if (dossier != nullptr) {
    ASSIGN_OR_RETURN(content, dossier->read());
  }
  // What an earlier try of this very trial has left goes when this one ends.
  const bool is_kept = std::ranges::any_of(content.records, [&](const Record& record) {
    return record.trial_id != trial.id && record.evidence_class == EvidenceClass::kClaimed &&
           record.conditions["device"].as_string() == device;
  });
  if (!is_kept) add_claims(ChipCatalogue::built_in(), content.run.host, device, told, outcome);
  return {};
}

}  // namespace assay
