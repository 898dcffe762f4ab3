// Claims as records; see claims.h.
#include "exam/roofline/claims.h"

#include <fmt/format.h>

#include <algorithm>
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

}  // namespace

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
