// Model: what a report says, taken from the records of a dossier and put in the order in which people read
// it. The renderers only write it down. Pointers refer to the DossierContent that the model was made of.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "report/instrument.h"

namespace assay {

struct AnswerRow {
  int question = 0;
  std::string text;
  Answer answer = Answer::kNotExamined;
  std::string reason;  // of not examined: the command that would, or that this version has no exam
  std::string exam;
  std::string command;
  std::vector<int64_t> record_ids;
};

// One bar of the waterfall: what this level permits or delivers, in the lane's unit.
struct WaterfallStep {
  std::string level;  // "claimed peak", "theoretical bound", "kernels", "engine", "serving"
  std::optional<double> value, low, high;
  EvidenceClass evidence_class = EvidenceClass::kDerived;
  Validity validity = Validity::kValid;
  std::string basis;            // the formula with its numbers, or why the value is unknown
  std::optional<double> share;  // of the nearest level above that has a value
  std::string loss;             // names the loss to that level
  bool follows_demand = false;  // as much as the traffic asked for: being lower is no loss
  std::vector<int64_t> record_ids;
};

struct WaterfallLane {
  std::string title;  // "Decode, one sequence"
  std::string unit;
  std::string sentence;  // what a tired person should take from it
  std::vector<WaterfallStep> steps;
};

// Of one target: two of them may run different models on one device, and what one loses is not the other's.
struct Waterfall {
  const Subject* subject = nullptr;
  std::string label;   // the subject's name, with the target's where one subject has several
  std::string device;  // what it calls itself: "llvmpipe (LLVM 15.0.6, 256 bits)"; "": it does not say
  std::string model;
  std::vector<WaterfallLane> lanes;
  std::string serving;              // throughput, goodput and offered rate in the mix, one sentence
  std::vector<int64_t> record_ids;  // of that sentence

  // Nothing is known of any level above serving: there is no loss to name, and nothing to draw.
  bool has_only_serving() const;
  const char* why_not_drawn() const;  // in that case
  std::string caption() const;        // device and model, as far as they are known
};
inline constexpr const char* kNoEngine =
    "Engine: none. No portable engine ran on it, so that what its kernels permit is told in operations and bytes, below, and not "
    "in tokens.";
inline constexpr const char* kOnlyServing =
    "Only serving was measured here: what is claimed, what the silicon permits and what an engine reaches on it is unknown, so "
    "that no loss has a name.";

struct RooflinePoint {
  std::string name;   // "matmul q4_0"
  std::string group;  // kernel and type, and whose kernels where several were measured: "matmul f16 · cuBLAS"
  std::string kernel;  // the same without whose: the best of each, whoever's it is, is named in the chart
  double flop_per_byte = 0;
  double tflop_per_s = 0;
  bool is_best = false;
  const Record* record = nullptr;
};

struct RooflineCeiling {
  std::string name;  // "memory bound 76.8 GB/s"
  bool is_bandwidth = false;
  bool is_of_caches = false;  // the roof of kernels whose data stays in them
  double value = 0;           // GB/s or TFLOP/s
  // The highest of the claims about the same, of whatever grade: `value` is of the one that counts.
  double highest_claim = 0;
  const Record* record = nullptr;
};

struct Roofline {
  const Subject* subject = nullptr;
  std::vector<RooflinePoint> points;
  std::vector<RooflineCeiling> ceilings;
  // What the reader needs to know of points above the memory's roof, or above all: a sentence, or "".
  std::string above;
};

// The records of one traffic class in one trial, by metric.
struct MetricMap {
  std::map<std::string, const Record*, std::less<>> records;
  const Record* find(std::string_view metric) const;  // null if absent
  bool empty() const { return records.empty(); }
};

// Cumulative share of requests up to x; thinned to at most kCurvePoints points.
struct Curve {
  std::string metric;  // "ttft_ms", "tpot_ms", "e2e_ms"
  std::string phase;   // "mix", "alone"
  int64_t n = 0;       // requests in the steady window that the metric applies to
  int64_t failed = 0;  // of them: they never arrive, so the curve ends below 1
  std::vector<double> x, share;
};

struct ClassResult {
  std::string name;
  MetricMap mix, alone;
  std::vector<Curve> curves;
};

// Their values are those of the chart (web/data.ts).
enum class SpanOutcome { kGood = 0, kMissed = 1, kFailed = 2, kBrokenOff = 3 };

struct RequestSpan {
  int class_index = 0;
  int lane = 0;  // within the class, so that spans do not overlap where there is room
  double scheduled_s = 0, first_s = 0, end_s = 0;  // first_s < 0: no token came
  SpanOutcome outcome = SpanOutcome::kMissed;
};

// What was sampled of the server and of power sensors beside the requests, thinned to at most kTimelineBins
// points; NaN: not known at that instant.
struct ServerSeries {
  std::vector<double> at_s, running, waiting, kv_usage;  // of equal length, or empty: not told at all
  size_t samples = 0;                                    // of which these are every so many
  std::vector<double> power_at_s, power_w;  // of the first sensors: the mean since the point before
  std::string power_sensor;
};

struct Timeline {
  int64_t trial_id = 0;
  int64_t requests = 0;  // all of the trial; `spans` may be fewer
  std::vector<std::string> classes;
  std::vector<int> lanes;  // how many lanes each class takes
  double bin_s = 1;
  std::vector<double> arrivals_per_s, completions_per_s;  // by bin from 0
  std::vector<double> in_flight;                          // mean of each bin
  std::vector<RequestSpan> spans;
  ServerSeries server;
};

// One point of a sweep over rates or numbers of users: a trial of the mix.
struct SweepPoint {
  bool is_users = false;
  double at = 0;  // arrivals per second, or users
  MetricMap all;  // of all classes together
  std::vector<std::pair<std::string, MetricMap>> classes;
};

// What the search for capacity found for one tier of limits, and what it rests on: of each rate that it tried
// the attainment of each class, from the trial that counted the most requests, by ascending rate.
struct CapacityRow {
  std::string tier;
  const Record* record = nullptr;
  std::vector<std::pair<std::string, std::vector<const Record*>>> attained;  // by class
};

// What load trials say of one target.
struct Serving {
  const Subject* subject = nullptr;
  std::string target;
  std::string label;  // the subject's name, with the target's where one subject has several
  std::string model;
  std::vector<ClassResult> classes;
  MetricMap mix;  // of all classes together
  std::optional<Timeline> timeline;
  std::vector<SweepPoint> sweep;  // rates, then users, each ascending
  std::vector<CapacityRow> capacities;

  bool has_mix_or_alone() const { return !mix.empty() || !classes.empty(); }
};

// What roofline trials say of one target beyond the roofline: series for small charts.
struct Series {
  std::string label;  // "copy", "f16"
  std::vector<double> x;
  std::vector<const Record*> records;
};

struct DeviceResult {
  const Subject* subject = nullptr;
  std::string target;
  std::string label;                       // as of a waterfall
  std::vector<Series> bandwidth;           // over bytes, a series a kernel
  std::vector<const Record*> matmul_best;  // one a type
  Series batching;                         // decode speed over sequences
  std::vector<const Record*> engine;       // prefill, decode, load time, memory, efficiency
  std::vector<const Record*> other;        // overhead, transfers, attention's best
  bool has_claims = false;                 // of its chip; once for a subject
};

struct Instrument {
  std::string sentence;
  InstrumentCheck check;
  std::vector<int64_t> record_ids;
};

struct Model {
  const DossierContent* content = nullptr;
  std::string title;               // the judged subjects
  std::vector<AnswerRow> answers;  // eight
  Instrument instrument;
  std::vector<const Subject*> subjects;  // judged: all but the host; the place is the subject's colour
  std::vector<Waterfall> waterfalls;
  std::vector<Roofline> rooflines;
  std::vector<DeviceResult> devices;
  std::vector<Serving> servings;
  std::vector<const Finding*> findings;  // the gravest first
  int64_t doubts = 0;                    // findings that weaken numbers
  int64_t blockers = 0;                  // findings of what does not work

  int colour_of(const Subject* subject) const;  // place among `subjects`, 0 for others
  const Subject* subject(int64_t id) const;     // null if unknown
  const Trial* trial(int64_t id) const;
  const Record* record(int64_t id) const;
  const Finding* doubt_about(
      const Record& record) const;  // the finding that a doubtful or void record rests on, or null
  std::vector<const Verdict*> requirement_verdicts(int question) const;
  const Requirement* requirement(int64_t id) const;
};

inline constexpr size_t kCurvePoints = 200;
inline constexpr size_t kTimelineSpans = 600;
inline constexpr size_t kTimelineBins = 240;

// Samples of one trial, or nothing for a report without them. Errors end the making of the model.
using SampleReader = std::function<Result<std::vector<Sample>>(int64_t trial_id)>;

// `content` must outlive the model and is not trusted: ids that lead nowhere and odd columns are passed over.
Result<Model> make_model(const DossierContent& content, const SampleReader& read_samples);

// The name of a subject, with the target's where other targets have trials on it too.
std::string target_label(const Model& model, const Subject& subject, const std::string& target);
// The largest theoretical bound of a metric in the weights' type `dtype` ("": one that names no type;
// nothing: in any type), or null. A bound of another type says nothing about a kernel.
const Record* theoretical_bound(const Model& model, const Subject& subject, std::string_view metric,
                                std::optional<std::string_view> dtype);

// The parts, each pure.
std::vector<Waterfall> make_waterfalls(const Model& model);
std::vector<Roofline> make_rooflines(const Model& model);
std::vector<DeviceResult> make_device_results(const Model& model);
Result<std::vector<Serving>> make_servings(const Model& model, const SampleReader& read_samples);

// Puts a record of a sweep or of a search for capacity where it belongs in `serving`; false if it is of
// neither.
bool add_rate_record(const Record& record, const std::string& traffic_class, Serving& serving);
// Puts what was added into its order.
void sort_rates(Serving& serving);
// The latencies that tables show, a row each, as far as a class has them.
struct LatencyRow {
  const char* metric;  // without its statistic
  const char* title;
  const char* brief;  // on the terminal
};
std::span<const LatencyRow> latency_rows();
// What is measured beside latencies and rates, of all classes together: the start of the server, energy, and
// the way of the requests to it.
std::span<const char* const> beside_metrics();
// Beside every table of rates and shares.
inline constexpr const char* kWindowNote =
    "Limits kept and failed are shares of the requests that came in the window, whenever they ended, without those that "
    "their users broke off by plan; goodput counts what ended in it, output the tokens that came in it.";
// What a class suffers from the others.
struct InterferenceRow {
  const Serving* serving = nullptr;
  const ClassResult* result = nullptr;
  const Record* record = nullptr;
  const char* latency =
      "";  // whose medians were compared: "TTFT", or "E2E" of answers that come at once; "TPOT"
};
// Target by target and class by class, TPOT last; those of too few samples are among them, without a value.
std::vector<InterferenceRow> interference_rows(const Model& model);
// "Median in the mix ÷ median alone, of TTFT and TPOT; of E2E for vectors, whose answers come at once."
std::string interference_basis(const Model& model);

// What every table of a sweep shows of a point, goodput only where there are limits; the terminal, which has
// no room for all, those that are brief.
struct SweepColumn {
  const char* title;
  const char* unit;
  const char* metric;
  const char* brief;  // its heading on the terminal; null: not there
};
std::vector<SweepColumn> sweep_columns(const Model& model);
// "8 arrivals/s", "16 users".
std::string point_text(const SweepPoint& point);
double probe_rate(const Record& attained);
// "14.2 (13.8–14.5) requests/s within every limit"; "at least 14.2" where nothing failed.
std::string capacity_phrase(const CapacityRow& capacity);
// "95 % sure; limited by rag; 23 trials in 12 min; budget spent".
std::string capacity_basis(const CapacityRow& capacity);

// "requests" of one load trial, columns of equal length; nothing where the samples lack what is needed.
struct RequestTable {
  std::vector<std::string> classes;
  size_t rows = 0;
  const std::vector<int64_t>* class_index = nullptr;
  const std::vector<int64_t>* scheduled_ns = nullptr;
  const std::vector<int64_t>* first_ns = nullptr;
  const std::vector<int64_t>* last_ns = nullptr;
  const std::vector<int64_t>* end_ns = nullptr;
  const std::vector<int64_t>* output_tokens = nullptr;
  const std::vector<int64_t>* failure = nullptr;
  const std::vector<int64_t>* in_window = nullptr;
  const std::vector<int64_t>* good = nullptr;
};
std::optional<RequestTable> request_table(const Trial& trial, const std::vector<Sample>& samples);
Curve make_curve(const RequestTable& table, int class_index, const std::string& metric,
                 const std::string& phase);
Timeline make_timeline(const RequestTable& table, int64_t trial_id);
// Samples "server" and "power" of a load trial (docs/formats/dossier.md).
ServerSeries make_server_series(const std::vector<Sample>& samples);

}  // namespace assay
