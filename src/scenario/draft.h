// Draft: a scenario while it is read. Keys come in any order, so what one says of another is checked when all
// are there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scenario/reader.h"
#include "scenario/scenario.h"

namespace assay {

inline constexpr double kMaxLimitMs = 86'400'000;  // of an SLO: a day

// A requirement as it stands in the file.
struct RequirementDraft {
  const TomlValue* table = nullptr;
  std::string metric, traffic_class, target, phase, tier;
  std::optional<double> at_least, at_most;

  // Where the value of a key stands; the table, if it is not there.
  TomlPosition at(std::string_view key) const {
    const TomlValue* value = table->find(key);
    return value != nullptr ? value->at : table->at;
  }
};

struct Draft {
  Scenario scenario;
  std::vector<RequirementDraft> requirements;
  // Whether these tables are free of errors: what others say of them can be held against them. Where they are
  // not, a second error would only follow from the first.
  bool are_targets_good = true, are_classes_good = true, is_load_good = true;
  const TomlValue* capacity = nullptr;  // their tables in [load], if there are any
  const TomlValue* sweep = nullptr;
};

// Lengths in all their forms: 128, {median, sigma, min, max}, {min, max}, {trace, column}. None above
// `maximum`.
void read_lengths(Reader& reader, const TomlMember& member, int64_t maximum, LengthDistribution& out);
// [target.stack].
void read_stack(Reader& reader, const TomlMember& member, StackSpec& out);
// Reads each table of an array of tables.
void read_target(Reader& reader, const TomlValue& table, Draft& draft);
void read_traffic_class(Reader& reader, const TomlValue& table, Draft& draft);
void read_load(Reader& reader, const TomlValue& table, Draft& draft);
void read_roofline(Reader& reader, const TomlValue& table, Draft& draft);
void read_requirement(Reader& reader, const TomlValue& table, Draft& draft);

// The trace of [load]: a path, or a table of keys; and its format beside a path.
void read_trace_spec(Reader& reader, const TomlMember& member, TraceSpec& trace);
void read_trace_format(Reader& reader, const TomlMember& member, TraceSpec& trace);
// [load.capacity] and [load.sweep]; what they say of the traffic is checked when all is read.
void read_capacity(Reader& reader, const TomlValue& table, LoadSpec& load);
void read_sweep(Reader& reader, const TomlValue& table, LoadSpec& load);
void finish_rates(Reader& reader, const Draft& draft);

// load_trace for the first time: notes the file and what it holds.
Result<Trace> read_trace(Reader& reader, TraceSpec& trace);

// The draft's requirements, held against the metric table, and against its targets, classes and [load] as far
// as these are good.
void finish_requirements(Reader& reader, Draft& draft);

// Rows of the reference, in the order of the tables.
void append_target_keys(std::vector<ScenarioKey>& keys);
void append_stack_keys(std::vector<ScenarioKey>& keys);
void append_traffic_keys(std::vector<ScenarioKey>& keys);
void append_length_keys(std::vector<ScenarioKey>& keys);
void append_load_keys(std::vector<ScenarioKey>& keys);
void append_trace_keys(std::vector<ScenarioKey>& keys);
void append_rate_keys(std::vector<ScenarioKey>& keys);
void append_roofline_keys(std::vector<ScenarioKey>& keys);
void append_requirement_keys(std::vector<ScenarioKey>& keys);

template <class T>
void append_keys(std::span<const Row<T>> rows, std::vector<ScenarioKey>& keys) {
  for (const Row<T>& row : rows) keys.push_back(row.key);
}

}  // namespace assay
