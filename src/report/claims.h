// Which of the claims about a device its numbers are held against, and those that say otherwise.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "report/model.h"

namespace assay {

// A claim is of a device where it was made of one, or of a card with one device, or is a device's share of a
// card's (which the exam derives where it is known how many devices a card has). Sparse peaks, what is
// claimed of a die, and what is claimed of a card of unknown devices are never held against a dense kernel on
// a device.
bool is_of_device(const Record& claim);
// Whether the record is a claim, or a device's share of one.
bool is_claim(const Record& record);
// As what a level or ceiling that rests on the record is drawn: a promise stays one, also a device's share of
// it.
EvidenceClass shown_class(const Record& record);

// The claim that counts, by this rule: the best grade; of those, what is called dense before what is not
// called anything; of those, the lowest. Of claims with equal authority the lowest is what all of them
// promise: a share of it is never too small by somebody's exaggeration, and a kernel above it speaks for the
// higher claim, which is named beside it (docs/decisions/0012-which-claim-counts.md).
struct ClaimedPeak {
  const Record* record = nullptr;     // null: nothing to hold a device against
  double highest = 0;                 // of all claims that could have counted, in the record's unit; 0: none
  std::vector<const Record*> others;  // other values for the same, of whatever basis, in the dossier's order
  // "grade A, FlagPerf …, 2026-11-30; also claimed: 1,800 GB/s (grade C, of a card)"; why there is none,
  // else.
  std::string words;
};

// `dtypes`: of matrix multiplications, the first of them that anything is claimed in counts; empty for a
// quantity that has none.
ClaimedPeak claimed_peak(const Model& model, const Subject& subject, std::string_view metric,
                         std::span<const std::string> dtypes);

// A row of a table of claims.
struct ClaimRow {
  const Record* record = nullptr;
  std::string of;     // "matrix multiplication, f16, dense"
  std::string basis;  // "device", "card", "device: a card's ÷ 2"
  std::string use;    // "counts", "—"
};
// Of one device, in the dossier's order.
std::vector<ClaimRow> claim_rows(const Model& model, const Subject& subject);
inline constexpr const char* kClaimsNote =
    "A claim counts (its peak is what kernels are held against) by its grade, then dense before unsaid, then the lowest. What is "
    "of a card counts for a device only where it is known how many devices a card has; sparse peaks never count.";

}  // namespace assay
