// Claims and their rule; see claims.h.
#include "report/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "catalogue/catalogue.h"
#include "report/values.h"

namespace assay {
namespace {

bool is_share_of_card(const Record& record) {
  return record.evidence_class == EvidenceClass::kDerived && condition(record, "bound") == "claimed";
}

bool is_usable_claim(const Record& record) {
  return is_claim(record) && record.value && std::isfinite(*record.value) && *record.value > 0 &&
         record.validity != Validity::kVoid;
}

bool is_sparse(const Record& record) {
  return condition(record, "sparsity") == "sparse";
}

// The smaller counts.
auto rank(const Record& record) {
  const std::string grade = condition(record, "grade");
  return std::tuple(grade.empty() ? std::string("Z") : grade, condition(record, "sparsity") != "dense",
                    *record.value);
}

std::string basis_words(const Record& record) {
  const std::string basis = condition(record, "basis");
  if (is_share_of_card(record))
    return fmt::format("device: a card's ÷ {}", condition(record, "devices_per_card"));
  return basis.empty() ? "device" : basis;
}

std::string grade_words(const Record& record) {
  const std::string grade = condition(record, "grade");
  return grade.empty() ? "no grade" : fmt::format("grade {}", grade);
}

std::string other_words(const Record& record) {
  std::string out = fmt::format("{} ({}", amount(record), grade_words(record));
  if (is_sparse(record)) out += ", sparse";
  if (!is_of_device(record)) out += fmt::format(", of a {}", basis_words(record));
  return out + ")";
}

std::string own_words(const Record& record) {
  std::string out = grade_words(record);
  if (is_share_of_card(record)) out += ", " + record.method.substr(0, record.method.find(';'));
  if (!record.source.empty()) out += ", " + record.source;
  const std::string date = condition(record, "date");
  return date.empty() ? out : fmt::format("{}, {}", out, date);
}

std::string words_of(const ClaimedPeak& peak) {
  std::string others;
  for (const Record* other : peak.others) others += (others.empty() ? "" : ", ") + other_words(*other);
  if (peak.record == nullptr) {
    return peak.others.empty() ? "no claim about it is in this dossier"
                               : fmt::format("nothing is claimed of the device itself, only {}", others);
  }
  return own_words(*peak.record) + (others.empty() ? "" : "; also claimed: " + others);
}

// What the claims of one type, or of a quantity that has none, come to.
ClaimedPeak peak_of(const std::vector<const Record*>& claims) {
  ClaimedPeak peak;
  for (const Record* claim : claims) {
    if (!is_of_device(*claim) || is_sparse(*claim)) continue;
    peak.highest = std::max(peak.highest, *claim->value);
    if (peak.record == nullptr || rank(*claim) < rank(*peak.record)) peak.record = claim;
  }
  for (const Record* claim : claims) {
    const bool says_more =
        claim != peak.record && (peak.record == nullptr || *claim->value != *peak.record->value);
    // What a device has of a card's is told by its own record.
    const bool is_told = !is_of_device(*claim) && !condition(*claim, "devices_per_card").empty();
    if (says_more && !is_told) peak.others.push_back(claim);
  }
  return peak;
}

std::string title_of(const Record& record) {
  std::string out = metric_title(record.metric);
  for (const char* key : {"dtype", "sparsity"}) {
    const std::string text = condition(record, key);
    if (!text.empty()) out += ", " + text;
  }
  const std::string accumulator = condition(record, "accumulator");
  return accumulator.empty() ? out : fmt::format("{}, accumulated in {}", out, accumulator);
}

}  // namespace

bool is_claim(const Record& record) {
  return record.evidence_class == EvidenceClass::kClaimed || is_share_of_card(record);
}

EvidenceClass shown_class(const Record& record) {
  return is_claim(record) ? EvidenceClass::kClaimed : record.evidence_class;
}

bool is_of_device(const Record& claim) {
  const std::string basis = condition(claim, "basis");
  return basis.empty() || basis == "device" ||
         (basis == "card" && condition(claim, "devices_per_card") == "1");
}

ClaimedPeak claimed_peak(const Model& model, const Subject& subject, std::string_view metric,
                         std::span<const std::string> dtypes) {
  const auto claims_in = [&](const std::string& dtype) {
    std::vector<const Record*> claims;
    for (const Record& record : model.content->records) {
      if (record.subject_id == subject.id && record.metric == metric && is_usable_claim(record) &&
          condition(record, "dtype") == dtype)
        claims.push_back(&record);
    }
    return claims;
  };
  ClaimedPeak peak;
  if (dtypes.empty()) peak = peak_of(claims_in(""));
  for (const std::string& dtype : dtypes) {
    ClaimedPeak here = peak_of(claims_in(dtype));
    if (here.record != nullptr || peak.others.empty()) peak = std::move(here);
    if (peak.record != nullptr) break;
  }
  peak.words = words_of(peak);
  return peak;
}

std::vector<ClaimRow> claim_rows(const Model& model, const Subject& subject) {
  std::vector<const Record*> counting;
  const auto count = [&](std::string_view metric, std::span<const std::string> dtypes) {
    counting.push_back(claimed_peak(model, subject, metric, dtypes).record);
  };
  count("memory_bandwidth_gb_per_s", {});
  for (const Record& record : model.content->records) {
    const bool is_kernel = record.subject_id == subject.id && record.metric == "matmul_tflop_per_s" &&
                           record.evidence_class == EvidenceClass::kMeasured;
    if (is_kernel) count(record.metric, claimed_dtypes(condition(record, "dtype")));
  }
  std::vector<ClaimRow> rows;
  for (const Record& record : model.content->records) {
    if (record.subject_id != subject.id || !is_claim(record)) continue;
    const bool counts = std::ranges::find(counting, &record) != counting.end();
    rows.push_back({&record, title_of(record), basis_words(record), counts ? "counts" : "—"});
  }
  return rows;
}

}  // namespace assay
