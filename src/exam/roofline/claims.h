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
// seemed to be is not it. Of a device that the host does not have nothing.
void add_claims(const ChipCatalogue& catalogue, const Json& host, const std::string& device,
                TrialOutcome& outcome);

}  // namespace assay
