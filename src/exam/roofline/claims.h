// What is claimed of a device's chip, as records beside what was measured on it.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"

namespace assay {

// One of class claimed for every claim whose quantity is a metric, contradicting ones and sparse peaks too,
// with conditions {device, chip, basis, grade, date, dtype, sparsity, accumulator, note}. A claim of a card
// with several devices is followed by one of class derived, with condition "bound" = "claimed": its share of
// one device, all being alike. Where nobody says how many devices a card has, there is no such record.
std::vector<Record> claim_records(const Chip& chip, const std::string& device);

// Adds the records of the chip that `device` is, by the host of the dossier, or a note why a chip that it
// seemed to be is not it. Of a device that the host does not have `told` counts, what it says of itself:
// {"description", "memory_bytes"}; without that nothing is added.
void add_claims(const ChipCatalogue& catalogue, const Json& host, const std::string& device, const Json& told,
                TrialOutcome& outcome);

// The same for a trial, by its dossier, which may be null; nothing where another trial has kept the claims of
// the device: the engine and kits may examine one. Errors: the dossier cannot be read.
Result<void> add_claims_once(const Dossier* dossier, const Trial& trial, const std::string& device,
                             const Json& told, TrialOutcome& outcome);

// Of every subject, what was measured on it above all that is claimed of it, over the whole dossier: the
// measurement or the claim is wrong, or they are not of the same thing. Sparse peaks, and what is claimed of
// a card of unknown devices, are no limits. One finding a subject and metric (and type),
// "roofline.above-claim".
std::vector<Finding> above_claim_findings(const DossierContent& content);

}  // namespace assay
