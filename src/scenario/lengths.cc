// Lengths as users write them: a number, a table of parameters, or a column of a trace.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenario/draft.h"

namespace assay {
namespace {

const std::array<std::string, 2> kColumns = {"ContextTokens", "GeneratedTokens"};
constexpr uint32_t kMaxTraceRows = 1'000'000;

struct LengthDraft {
  std::optional<double> median, sigma;
  std::optional<int64_t> minimum, maximum;
  std::string trace, column;
};

void read_limit(Reader& reader, const TomlMember& member, std::optional<int64_t>& out) {
  int64_t value = 0;
  reader.read_integer(member, 1, kMaxTokens, value);
  if (value > 0) out = value;
}

constexpr Row<LengthDraft> kLengthRows[] = {
    {{"lengths", "median", "number", "", "tokens", "Median of a lognormal distribution; goes with sigma."},
     [](Reader& r, const TomlMember& m, LengthDraft& d) {
       r.read_number(m, 1, static_cast<double>(kMaxTokens), d.median);
     }},
    {{"lengths", "sigma", "number", "", "", "Standard deviation of the logarithm, 0 to 4."},
     [](Reader& r, const TomlMember& m, LengthDraft& d) { r.read_number(m, 0, 4, d.sigma); }},
    {{"lengths", "min", "integer", "1", "tokens",
      "Shorter draws become this. min and max alone: every length between them is as likely."},
     [](Reader& r, const TomlMember& m, LengthDraft& d) { read_limit(r, m, d.minimum); }},
    {{"lengths", "max", "integer", "1000000", "tokens", "Longer draws become this."},
     [](Reader& r, const TomlMember& m, LengthDraft& d) { read_limit(r, m, d.maximum); }},
    {{"lengths", "trace", "string", "", "",
      "A trace of any known format, relative to the scenario, whose lengths are drawn with equal weight."},
     [](Reader& r, const TomlMember& m, LengthDraft& d) { r.read_string(m, d.trace); }},
    {{"lengths", "column", "string", "\"ContextTokens\"", "",
      "Of the trace: \"ContextTokens\" (of prompts) or \"GeneratedTokens\" (of answers); the latter is the default for "
      "output_tokens."},
     [](Reader& r, const TomlMember& m, LengthDraft& d) { r.read_choice(m, kColumns, d.column); }},
};

// The values of one column; nothing, and an error, if the trace cannot be read.
std::vector<uint32_t> column_of_trace(Reader& reader, const TomlMember& member, const LengthDraft& draft) {
  TraceSpec spec;
  spec.path = reader.resolved(draft.trace);
  spec.limit = kMaxTraceRows;
  const Result<Trace> trace = read_trace(reader, spec);
  std::vector<uint32_t> values;
  if (!trace) {
    reader.error(member.value.at, fmt::format("{}: {}", trace.error().where, trace.error().what));
    return values;
  }
  const bool is_output = draft.column.empty() ? member.key == "output_tokens" : draft.column == kColumns[1];
  for (const TraceEntry& entry : trace->entries)
    values.push_back(is_output ? entry.output_tokens : entry.prompt_tokens);
  return values;
}

// From the draft of a table to a distribution; nothing, and an error, if its keys do not go together.
std::optional<LengthDistribution> from_draft(Reader& reader, const TomlMember& member,
                                             const LengthDraft& draft) {
  using Kind = LengthDistribution::Kind;
  const bool is_lognormal = draft.median && draft.sigma && draft.trace.empty();
  const bool is_trace = !draft.trace.empty() && !draft.median && !draft.sigma;
  const bool is_uniform =
      draft.minimum && draft.maximum && !draft.median && !draft.sigma && draft.trace.empty();
  if ((!is_lognormal && !is_trace && !is_uniform) || (!draft.column.empty() && !is_trace)) {
    reader.error(member.value.at,
                 fmt::format("{} must be a number, {{ median, sigma, min, max }}, {{ min, max }} or "
                             "{{ trace, column, min, max }}",
                             member.key));
    return std::nullopt;
  }
  LengthDistribution lengths;
  lengths.minimum = draft.minimum.value_or(lengths.minimum);
  lengths.maximum = draft.maximum.value_or(lengths.maximum);
  if (is_lognormal) {
    lengths.kind = Kind::kLognormal;
    lengths.a = *draft.median;
    lengths.b = *draft.sigma;
  } else if (is_uniform) {
    lengths.kind = Kind::kUniform;
    lengths.a = static_cast<double>(*draft.minimum);
    lengths.b = static_cast<double>(*draft.maximum);
  } else {
    lengths.kind = Kind::kEmpirical;
    lengths.values = column_of_trace(reader, member, draft);
    if (lengths.values.empty()) return std::nullopt;
  }
  return lengths;
}

int64_t longest(const LengthDistribution& lengths) {
  if (lengths.kind == LengthDistribution::Kind::kFixed) return static_cast<int64_t>(lengths.a);
  return lengths.maximum;
}

}  // namespace

void read_lengths(Reader& reader, const TomlMember& member, int64_t maximum, LengthDistribution& out) {
  LengthDistribution lengths;
  if (member.value.kind == TomlKind::kInteger) {
    int64_t value = 0;
    reader.read_integer(member, 1, maximum, value);
    if (value == 0) return;
    lengths.a = static_cast<double>(value);
    out = lengths;
    return;
  }
  if (member.value.kind != TomlKind::kTable) {
    return reader.error(
        member.value.at,
        fmt::format("{} must be a whole number or a table like {{ min = 10, max = 100 }}, not a {}",
                    member.key, name_of(member.value.kind)));
  }
  LengthDraft draft;
  const size_t errors_before = reader.error_count();
  read_table<LengthDraft>(reader, member.value, kLengthRows, draft);
  if (reader.error_count() > errors_before) return;
  std::optional<LengthDistribution> distribution = from_draft(reader, member, draft);
  if (!distribution) return;
  if (!draft.maximum) distribution->maximum = std::min(distribution->maximum, maximum);
  if (longest(*distribution) > maximum) {
    return reader.error(member.value.at, fmt::format("{} must not go above {}", member.key, maximum));
  }
  if (const std::string problem = distribution->problem(); !problem.empty()) {
    return reader.error(member.value.at, fmt::format("{}: {}", member.key, problem));
  }
  out = std::move(*distribution);
}

void append_length_keys(std::vector<ScenarioKey>& keys) {
  append_keys<LengthDraft>(kLengthRows, keys);
}

}  // namespace assay
