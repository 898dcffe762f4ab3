// From rows and stamps to errors; see instrument_error.h.
#include "load/calibration/instrument_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "load/trial_view.h"
#include "measure/measure.h"

namespace assay {
namespace {

double microseconds(int64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

// Nothing where the samples are too few for it.
std::optional<double> supported_quantile(std::span<const double> sorted, double p) {
  if (std::ssize(sorted) < samples_needed(p)) return std::nullopt;
  return sorted_quantile(sorted, p);
}

std::optional<double> largest(std::span<const double> sorted) {
  return sorted.empty() ? std::nullopt : std::optional(sorted.back());
}

// "12 of 4000 requests by more than 10.0 ms" where those are more than one in a thousand; else "".
std::string late_words(std::span<const double> sorted_us, std::string_view thing) {
  constexpr double kToleratedShare = 0.001;
  const auto late = std::ranges::end(sorted_us) - std::ranges::upper_bound(sorted_us, kLateBudgetMs * 1e3);
  const auto all = static_cast<int64_t>(sorted_us.size());
  if (static_cast<double>(late) <= kToleratedShare * static_cast<double>(all)) return "";
  return fmt::format("{} of {} by more than {} ms", late, counted(all, thing), format_number(kLateBudgetMs));
}

// 0 where the id is not one that an endpoint target gives.
RequestId request_of(std::string_view request_id) {
  constexpr std::string_view kPrefix = "assay-";
  if (!request_id.starts_with(kPrefix)) return 0;
  request_id.remove_prefix(kPrefix.size());
  RequestId id = 0;
  const auto [end, error] = std::from_chars(request_id.data(), request_id.data() + request_id.size(), id);
  return error == std::errc() && end == request_id.data() + request_id.size() ? id : 0;
}

class ErrorOfShape {
 public:
  ErrorOfShape(const LoadResult& result, const EmulatorStamps& stamps) : result_(result) {
    answers_.reserve(stamps.answers.size());
    for (const StampedAnswer& answer : stamps.answers) {
      const RequestId id = request_of(answer.request_id);
      if (id == 0) continue;
      // An id that comes twice is no truth about either.
      const auto [place, is_new] = answers_.emplace(id, &answer);
      if (!is_new) place->second = nullptr;
    }
  }

  CalibrationShape take(bool stamps_are_wrong) {
    for (const RequestRow& row : result_.rows) take_row(row);
    shape_.requests = static_cast<int64_t>(result_.rows.size());
    shape_.events = static_cast<int64_t>(errors_us_.size());
    shape_.events_per_s = events_per_s();
    if (seconds(result_.duration) > 0)
      shape_.client_cpu_percent = 100 * seconds(result_.cpu_time) / seconds(result_.duration);
    arrival_errors();
    if (ttft_true_ns_ > 0) {
      shape_.ttft_true_ms_mean = ttft_true_ns_ / 1e6 / static_cast<double>(matched_);
      shape_.ttft_error_percent = 100 * (ttft_seen_ns_ / ttft_true_ns_ - 1);
    }
    std::ranges::sort(lags_us_);
    shape_.dispatch_lag_us_p99_9 = supported_quantile(lags_us_, 0.999);
    shape_.dispatch_lag_us_max = largest(lags_us_);
    std::ranges::sort(late_us_);
    shape_.emulator_late_us_p99_9 = supported_quantile(late_us_, 0.999);
    shape_.emulator_late_us_max = largest(late_us_);
    shape_.void_because = why_void(stamps_are_wrong);
    return std::move(shape_);
  }

 private:
  void take_row(const RequestRow& row) {
    if (row.dispatched.count != 0) lags_us_.push_back(microseconds((row.dispatched - row.scheduled).count));
    if (!ended_well(row)) {
      ++failed_;
      return;
    }
    const auto found = answers_.find(row.id);
    const StampedAnswer* answer = found == answers_.end() ? nullptr : found->second;
    if (answer == nullptr || !answer->is_done || answer->token_sent_ns.size() != row.chunks) {
      ++unmatched_;
      return;
    }
    ++matched_;
    for (uint32_t k = 0; k < row.chunks; ++k) {
      const int64_t arrival_ns = result_.start.count + result_.chunk_at_ns[row.first_chunk + k];
      errors_us_.push_back(microseconds(arrival_ns - answer->token_sent_ns[k]));
      late_us_.push_back(microseconds(answer->token_sent_ns[k] - answer->token_due_ns[k]));
    }
    ttft_seen_ns_ += static_cast<double>((row.first - row.scheduled).count);
    ttft_true_ns_ +=
        static_cast<double>(answer->token_sent_ns.front() - (result_.start + row.scheduled).count);
  }

  // Over the time in which as many answers end as begin: from the end of the first answer to the last
  // scheduled instant. Where that is under a tenth of the whole, over the whole.
  std::optional<double> events_per_s() const {
    Nanos begin = kNever, end{};
    for (const RequestRow& row : result_.rows) {
      if (ended_well(row)) begin = std::min(begin, row.last);
      end = std::max(end, row.scheduled);
    }
    if (begin == kNever || result_.duration.count <= 0) return std::nullopt;
    if (end <= begin || (end - begin) * 10 < result_.duration) {
      begin = Nanos(0);
      end = result_.duration;
    }
    const auto events = std::ranges::count_if(
        result_.chunk_at_ns, [&](int64_t at_ns) { return at_ns > begin.count && at_ns <= end.count; });
    return static_cast<double>(events) / seconds(end - begin);
  }

  void arrival_errors() {
    if (errors_us_.empty()) return;
    std::ranges::sort(errors_us_);
    shape_.arrival_error_us_min = errors_us_.front();
    shape_.arrival_error_us_p50 = supported_quantile(errors_us_, 0.5);
    shape_.arrival_error_us_p99 = supported_quantile(errors_us_, 0.99);
    shape_.arrival_error_us_p99_9 = supported_quantile(errors_us_, 0.999);
    shape_.arrival_error_us_max = errors_us_.back();
  }

  std::string why_void(bool stamps_are_wrong) const {
    if (result_.lost) return "the emulator was lost: " + printable(result_.lost->what);
    if (stamps_are_wrong) return "the kernel's receive stamps were wrong: the wall clock jumped";
    if (failed_ > 0)
      return fmt::format("{} of {} failed", failed_,
                         counted(static_cast<int64_t>(result_.rows.size()), "request"));
    if (unmatched_ > 0)
      return fmt::format("a send stamp for each chunk is missing from {}",
                         counted(static_cast<int64_t>(unmatched_), "answer"));
    if (errors_us_.empty()) return "nothing arrived";
    if (const std::string late = late_words(lags_us_, "request"); !late.empty())
      return "the load generator was late: " + late;
    const std::string late = late_words(late_us_, "event");
    return late.empty() ? "" : "the emulator was late: " + late;
  }

  const LoadResult& result_;
  std::unordered_map<RequestId, const StampedAnswer*> answers_;
  CalibrationShape shape_;
  std::vector<double> errors_us_, late_us_, lags_us_;
  int64_t failed_ = 0, unmatched_ = 0, matched_ = 0;
  double ttft_seen_ns_ = 0, ttft_true_ns_ = 0;
};

}  // namespace

CalibrationShape instrument_error(const LoadResult& result, const EmulatorStamps& stamps,
                                  bool stamps_are_wrong) {
  return ErrorOfShape(result, stamps).take(stamps_are_wrong);
}

}  // namespace assay
