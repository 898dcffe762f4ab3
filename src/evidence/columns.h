// Columns: raw samples as named columns of 64-bit integers or doubles, and their compressed form in a
// dossier.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

struct Column {
  std::string name;               // with its unit last: "scheduled_ns"
  std::vector<int64_t> integers;  // used, unless `doubles` is
  std::vector<double> doubles;
  std::vector<uint16_t> small;  // where not empty: in place of `integers`, of columns that are only written
  bool is_double = false;
  size_t size() const { return is_double ? doubles.size() : small.empty() ? integers.size() : small.size(); }
};

// A table of raw data. Columns may differ in length: ragged data (the chunk stamps of each request) is a
// column of all values and a column of counts.
struct Columns {
  std::vector<Column> columns;

  void add(std::string name, std::vector<int64_t> values);
  void add(std::string name, std::vector<double> values);
  void add(std::string name,
           std::vector<uint16_t> values);  // integers() does not have them until they are read back
  const std::vector<int64_t>* integers(std::string_view name) const;  // null if absent or of doubles
  const std::vector<double>* doubles(std::string_view name) const;
  size_t rows() const;  // of the first column
};

// The bytes of docs/formats/dossier.md ("columns, version 1"): delta-coded varints or raw doubles, then zstd.
std::string encode_columns(const Columns& columns);
// Bounded: refuses more than `max_values` values in all, and anything malformed.
Result<Columns> decode_columns(std::string_view bytes, int64_t max_values = 400'000'000);

}  // namespace assay
