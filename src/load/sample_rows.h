// SampleRows: the samples of one load trial as rows, for those who write them in another form. Dossiers are
// not trusted: what is absent or too short reads as 0.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

class SampleRows {
 public:
  size_t count() const { return requests_.rows(); }
  int64_t at(const char* column, size_t row) const;
  // Which server of the target it went to; nothing where there is one.
  std::optional<int64_t> server(size_t row) const;
  // An instant of CLOCK_MONOTONIC in nanoseconds; 0: it never happened.
  int64_t instant_ns(const char* column, size_t row) const;
  std::string class_name(size_t row) const;
  std::string outcome(size_t row) const;  // "ok", or the cause of the failure
  int64_t start_ns() const { return start_ns_; }
  // The same instant in nanoseconds since 1970, by the wall clock as it stood at the end; of dossiers that do
  // not tell it, start_ns().
  int64_t wall_start_ns() const { return start_ns_ + wall_offset_ns_; }
  // Arrivals of the row's chunks, in nanoseconds after start_ns(). Rows must be asked for in order:
  // `first_chunk`, 0 at first, is moved on to the next row's.
  std::span<const int64_t> chunks_of(size_t row, size_t& first_chunk) const;

 private:
  friend std::optional<SampleRows> sample_rows(const Trial& trial, const std::vector<Sample>& samples);
  SampleRows(const Json& classes, const Columns& requests) : classes_(classes), requests_(requests) {}

  const Json& classes_;
  const Columns& requests_;
  std::span<const int64_t> chunk_at_ns_;
  int64_t start_ns_ = 0, wall_offset_ns_ = 0;
};

// Whether nothing that this trial measured may be used: its records say so.
bool is_void(const DossierContent& content, const Trial& trial);

// Nothing if these are no samples of a load trial. Both must outlive the rows.
std::optional<SampleRows> sample_rows(const Trial& trial, const std::vector<Sample>& samples);

}  // namespace assay
