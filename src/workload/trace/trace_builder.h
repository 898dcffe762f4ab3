// TraceBuilder: from the rows of a foreign file, in its order and units, to a Trace: sessions gathered,
// sorted by time, scaled, shared prefixes found. Bounds what a row may say.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "workload/trace/trace.h"

namespace assay {

struct TraceRow {
  std::optional<int64_t> at_ns;     // on whatever clock; nothing: the trace has no instants, or a later turn
  std::optional<int64_t> pause_ns;  // after the answer to the turn before; nothing: as the instants say
  double prompt_tokens = 0;
  double output_tokens = 0;
  bool has_session = false;
  uint64_t session = 0;              // equal for the turns of one
  std::span<const uint64_t> blocks;  // hash ids
};

class TraceBuilder {
 public:
  // `block_tokens`: as the format has it.
  TraceBuilder(const TraceOptions& options, uint32_t block_tokens);

  bool is_full() const { return rows_.size() >= options_.limit; }
  size_t size() const { return rows_.size(); }
  // What is wrong with the row, or nothing.
  std::string add(const TraceRow& row);
  uint32_t block_tokens() const { return block_tokens_; }
  // `where` names the file. An error if there was no row. Once.
  Result<Trace> finish(std::string_view where);

 private:
  struct Kept {
    int64_t at_ns = 0;
    int64_t pause_ns = -1;  // -1: none is given
    uint32_t prompt_tokens = 0, output_tokens = 0;
    uint32_t session = 0;  // number in the order of appearance
    uint32_t prefix = 0;
  };

  std::string check_instant(const TraceRow& row, bool is_first_turn);
  std::vector<uint32_t> in_order() const;
  Nanos scaled_time(int64_t ns) const;

  const TraceOptions options_;
  const uint32_t block_tokens_;
  std::vector<Kept> rows_;
  std::vector<int64_t> starts_;            // of each session
  std::vector<int64_t> sessions_reached_;  // instant of the last turn of each
  std::unordered_map<uint64_t, uint32_t> sessions_;
  PrefixTreeBuilder prefixes_;
  bool has_instants_ = true;
};

// Instants and pauses of foreign units as nanoseconds; nothing if they lie beyond what 64 bits hold, or
// before 0.
std::optional<int64_t> trace_nanos(double value, double ns_per_unit);

}  // namespace assay
