// ExportTrial: one load trial as the writers of other tools' result files see it. Dossiers are not trusted:
// what is absent or too short reads as 0. Private to load.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "load/exports/exports.h"
#include "workload/workload.h"

namespace assay {

// Instants are nanoseconds after the start of the trial; 0: it never happened.
struct ExportRequest {
  int64_t id = 0, session = 0, turn = 0;
  int64_t scheduled_ns = 0, dispatched_ns = 0, sent_ns = 0;
  int64_t first_ns = 0, first_output_ns = 0, last_ns = 0, end_ns = 0;
  int64_t prompt_tokens = 0, output_tokens = 0;
  std::span<const int64_t> chunk_ns;
  std::string outcome;  // "ok", or the cause of the failure
  bool ok = false, good = false;

  bool is_cancelled() const { return outcome == name_of(FailureCause::kCancelled) || is_cancelled_by_plan(); }
  bool is_cancelled_by_plan() const { return outcome == name_of(FailureCause::kCancelledByPlan); }
};

// What was offered, as the trial's records say it.
struct ExportOffer {
  std::string model, api;  // api: the kind of the requests, of several kinds the first
  bool streams = true;
  std::vector<std::string> urls;  // one at least
  std::string arrivals;           // "poisson"
  std::optional<double> rate_per_s;
  double cv = 1;         // of gamma arrivals
  Json users;            // of a closed loop; null without one
  Json max_connections;  // null: not said
  bool has_slo = false;  // only where one class makes the traffic: other tools know one
  Slo slo;
};

struct ExportTrial {
  const DossierContent& content;
  const Trial& trial;
  int64_t start_ns = 0;       // CLOCK_MONOTONIC
  int64_t wall_start_ns = 0;  // the same instant, nanoseconds since 1970
  ExportOffer offer;
  // In the order of the plan: those of the classes whose answers stream tokens. Where there are none, all,
  // and then without first tokens and chunks.
  std::vector<ExportRequest> requests;
  std::vector<std::string> doubts;  // what is not, or not as elsewhere, in the file

  double wall_s(int64_t at_ns) const { return static_cast<double>(wall_start_ns + at_ns) * 1e-9; }
};

// The object that marks a file as assay's.
Json export_mark(const ExportTrial& trial, const char* note);

// Lengths of what was sent and came back, for the tools' descriptions of a data set. At least one token.
struct ExportLengths {
  double mean = 1, deviation = 0;
  int64_t least = 1, most = 1;
};
ExportLengths lengths_of(const ExportTrial& trial,
                         int64_t ExportRequest::* tokens);  // of those that ended well

inline double ms_between(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) * 1e-6;
}

// As numpy's default: linear between the closest ranks. p in [0, 1]; 0 of nothing.
double linear_percentile(std::span<const double> sorted, double p);
double mean_of(std::span<const double> values);       // 0 of nothing
double deviation_of(std::span<const double> values);  // of the population; 0 of nothing

}  // namespace assay
