// [load]: how traffic is offered; [roofline]: how kernels are measured.
#include <fmt/format.h>

#include <algorithm>

#include "catalogue/catalogue.h"
#include "scenario/arrival_keys.h"
#include "scenario/draft.h"

namespace assay {
namespace {

Arrivals& arrivals_of(LoadSpec& load) {
  return load.arrivals;
}
using SharedArrivalKeys = ArrivalKeys<LoadSpec, arrivals_of>;

constexpr Row<LoadSpec> kLoadRows[] = {
    {{"load", "arrivals", "string", "\"poisson\"", "",
      "When requests come: \"poisson\", \"constant\" (evenly spaced), \"gamma\" (in clusters, by cv), \"burst\" (all at "
      "once, 0.2 ms apart), \"closed\" (users who wait for their answers) or \"trace\" (at the instants of [load.trace], which implies "
      "it where the trace has instants)."},
     SharedArrivalKeys::read_kind},
    {{"load", "cv", "number", "", "", kCvText}, SharedArrivalKeys::read_cv},
    {{"load", "users", "integer", "", "", kUsersText}, SharedArrivalKeys::read_users},
    {{"load", "pause_s", "number", "", "s", kPauseText}, SharedArrivalKeys::read_pause},
    {{"load", "rate_curve", "points", "", "", kCurveText}, SharedArrivalKeys::read_curve},
    {{"load", "rate_per_s", "number", "", "arrivals/s",
      "Arrivals offered per second, all classes together: single requests and sessions, whose later turns come on "
      "top. By default utilisation decides."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { r.read_number(m, 1e-6, 1e6, l.rate_per_s); }},
    {{"load", "utilisation", "number", "0.6", "",
      "Without rate_per_s: this share of what a short burst shows the target can do is offered."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { r.read_number(m, 0.01, 2, l.utilisation); }},
    {{"load", "requests_per_class", "integer", "64", "",
      "So many requests of the rarest class are planned; 64 are what a 90th percentile needs."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) {
       r.read_integer(m, 1, 1'000'000, l.requests_per_class);
     }},
    {{"load", "max_duration_s", "number", "100", "s",
      "Limit of one trial; the number of requests is cut to fit, and the report says so."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { r.read_positive(m, 604'800, l.max_duration_s); }},
    {{"load", "mix", "boolean", "true", "",
      "All classes together at rate_per_s or utilisation; without it, only [load.sweep] and [load.capacity] are run."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { r.read_boolean(m, l.mix); }},
    {{"load", "alone", "boolean", "true", "",
      "After the mix, each class by itself at its share of the mix's rate: what the classes do to each other."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { r.read_boolean(m, l.alone); }},
    {{"load", "alone_requests", "integer", "", "",
      "So many requests has a class alone, and as much less of max_duration_s, with half as much again to spare; else requests_per_class. At its share of the "
      "mix's rate they take as long as there. Medians, which interference compares, need 11."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { r.read_integer(m, 1, 1'000'000, l.alone_requests); }},
    {{"load", "dispatch_lag_budget_ms", "number", "10", "ms",
      "A trial in which the load generator turned to more than one request in a thousand later than this is void."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) {
       r.read_positive(m, 60'000, l.dispatch_lag_budget_ms);
     }},
    {{"load", "trace", "table or path", "", "",
      "Replays a trace: its lengths, sessions and shared prefixes, and its instants unless arrivals says otherwise; "
      "classes give weights, corpus and SLO."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { read_trace_spec(r, m, l.trace); }},
    {{"load", "trace_format", "string", "\"auto\"", "", "With trace = PATH: the format, as in [load.trace]."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) { read_trace_format(r, m, l.trace); }},
    {{"load", "sweep", "table", "", "", "A trial of the mix at each of several rates or numbers of users."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) {
       if (const TomlValue* table = r.expect_table(m)) read_sweep(r, *table, l);
     }},
    {{"load", "capacity", "table", "", "",
      "Searches for the largest rate at which every class meets its SLO; may be empty."},
     [](Reader& r, const TomlMember& m, LoadSpec& l) {
       if (const TomlValue* table = r.expect_table(m)) read_capacity(r, *table, l);
     }},
};

void read_types(Reader& reader, const TomlMember& member, RooflineSpec& roofline) {
  std::vector<std::string> names;
  reader.read_strings(member, names);
  std::vector<std::string> known;
  for (const TensorType& type : tensor_types()) known.emplace_back(type.name);
  for (size_t i = 0; i < names.size(); ++i) {
    const TensorType* type = tensor_type_named(names[i]);
    if (type == nullptr) {
      reader.error(member.value.items[i].at,
                   fmt::format("unknown type '{}'.{}", printable(names[i], 40), suggestion(names[i], known)));
      continue;
    }
    names[i] = type->name;
  }
  if (!names.empty()) roofline.types = std::move(names);
}

constexpr Row<RooflineSpec> kRooflineRows[] = {
    {{"roofline", "types", "strings", "[\"f32\", \"f16\", \"bf16\", \"q8_0\", \"q4_0\", \"q4_1\", \"q4_K\"]",
      "", "Types of the weights in matrix multiplications, as ggml names them."},
     read_types},
    {{"roofline", "max_duration_s", "number", "40", "s", "Limit for one device."},
     [](Reader& r, const TomlMember& m, RooflineSpec& s) { r.read_positive(m, 86'400, s.max_duration_s); }},
    {{"roofline", "relative_interval", "number", "0.02", "",
      "A kernel is repeated until the 95 % interval of its median is this narrow, relative to it."},
     [](Reader& r, const TomlMember& m, RooflineSpec& s) {
       r.read_number(m, 0.0001, 1, s.relative_interval);
     }},
};

// Whether requests can come at the instants of a trace. One that cannot be read has its error already.
enum class TraceInstants { kNoTrace, kHas, kHasNone };

// The file must be there and good before anything runs.
TraceInstants check_trace(Reader& reader, const TomlValue& table, TraceSpec& spec) {
  const TomlValue* trace = table.find("trace");
  if (trace == nullptr) return TraceInstants::kNoTrace;
  const TomlValue* path = trace->kind == TomlKind::kTable ? trace->find("path") : trace;
  if (path == nullptr) reader.error(trace->at, "[load.trace] needs a path");
  const TomlValue* format = table.find("trace_format");
  if (format != nullptr && trace->find("format") != nullptr)
    reader.error(format->at, "the format stands in [load.trace] already");
  if (spec.path.empty()) return TraceInstants::kNoTrace;
  spec.path = reader.resolved(spec.path);
  const Result<Trace> read = read_trace(reader, spec);
  if (read) return read->has_instants ? TraceInstants::kHas : TraceInstants::kHasNone;
  const Error& error = read.error();
  reader.error(path->at, fmt::format("{}: {}", error.where, sentences(error.what, error.remedy)));
  return TraceInstants::kHas;
}

// What the keys of [load] say of each other.
void check_arrivals(Reader& reader, const TomlValue& table, TraceInstants trace, LoadSpec& load) {
  const bool has_rate = table.find("rate_per_s") != nullptr,
             has_utilisation = table.find("utilisation") != nullptr;
  const TomlValue* arrivals = table.find("arrivals");
  if (has_rate && has_utilisation)
    reader.error(table.find("utilisation")->at, "give rate_per_s or utilisation, not both");
  if (trace == TraceInstants::kHas && arrivals == nullptr) load.arrivals.kind = Arrivals::Kind::kTrace;
  const bool is_trace = load.arrivals.kind == Arrivals::Kind::kTrace;
  if (is_trace && trace == TraceInstants::kNoTrace)
    reader.error(table.at, "arrivals = \"trace\" needs a [load.trace] with a path");
  if (is_trace && trace == TraceInstants::kHasNone)
    reader.error(arrivals->at, "the trace has no instants: choose other arrivals, and a rate if need be");
  check_arrival_keys(reader, table, load.arrivals);
  if (load.arrivals.kind == Arrivals::Kind::kClosed && (has_rate || has_utilisation)) {
    reader.error(table.find(has_rate ? "rate_per_s" : "utilisation")->at,
                 "in a closed loop the answers make the rate: give users");
  }
  if (is_trace && (has_rate || has_utilisation)) {
    reader.error(table.find(has_rate ? "rate_per_s" : "utilisation")->at,
                 "a trace has its own rate: scale it by rate_scale in [load.trace], or give other arrivals");
  }
}

}  // namespace

void read_load(Reader& reader, const TomlValue& table, Draft& draft) {
  LoadSpec& load = draft.scenario.load;
  const size_t errors_before = reader.error_count();
  read_table<LoadSpec>(reader, table, kLoadRows, load);
  if (reader.error_count() == errors_before) {
    const TraceInstants trace = check_trace(reader, table, load.trace);
    check_arrivals(reader, table, trace, load);
  }
  draft.capacity = table.find("capacity");
  draft.sweep = table.find("sweep");
}

void read_roofline(Reader& reader, const TomlValue& table, Draft& draft) {
  read_table<RooflineSpec>(reader, table, kRooflineRows, draft.scenario.roofline);
}

void append_load_keys(std::vector<ScenarioKey>& keys) {
  append_keys<LoadSpec>(kLoadRows, keys);
  append_trace_keys(keys);
}

void append_roofline_keys(std::vector<ScenarioKey>& keys) {
  append_keys<RooflineSpec>(kRooflineRows, keys);
}

}  // namespace assay
