// Doubt of what was measured beside other work; see host_doubt.h.
#include "exam/host_doubt.h"

#include <fmt/format.h>

#include "exam/findings.h"

namespace assay {

void doubt_beside_other_work(const OtherWork& other, TrialOutcome& outcome) {
  constexpr double kMostOther = 0.1;  // a speed that is too low by more would not be said to be settled
  constexpr double kContended = 0.75;
  if (other.share <= kMostOther || other.in_use < kContended) return;
  size_t doubted = 0;
  for (Record& record : outcome.records) {
    if (record.evidence_class != EvidenceClass::kMeasured || record.validity != Validity::kValid) continue;
    record.validity = Validity::kDoubtful;
    ++doubted;
  }
  if (doubted == 0) return;
  outcome.findings.push_back(make_finding(
      Severity::kDoubtful, "host.busy",
      fmt::format(
          "Other work took {:.0f} % of the CPUs that assay may use while this trial ran ({} of them): speeds "
          "and latencies are worse than the device's own, of a CPU by as much or more. End it, and run the "
          "scenario again.",
          100 * other.share, format_number(other.cpus)),
      Json::object()
          .set("other_share", other.share)
          .set("other_cpus", other.cpus)
          .set("in_use", other.in_use)));
}

}  // namespace assay
