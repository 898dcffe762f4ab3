// The front door of scenario: the user's TOML file as a validated value. What may stand in the file is one
// table of keys, from which validation, suggestions and the reference docs come.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "scenario/kits.h"          // IWYU pragma: export
#include "scenario/secrets.h"       // IWYU pragma: export
#include "scenario/target_kinds.h"  // IWYU pragma: export
#include "workload/workload.h"

namespace assay {

// An environment variable of a launched server or of a kit.
struct StackVariable {
  std::string name, value;
  bool passes_on = false;  // assay's own value when the program is started; it is never stored

  bool operator==(const StackVariable&) const = default;
};

// What serves an endpoint, as the user declares it; and how assay starts it, if it does. Empty: not said.
struct StackSpec {
  std::string command, image, engine, version, flags, quantisation, kv_type, parallelism, tuned_by, notes;
  std::optional<double> tuned_for_h;
  // launch
  std::vector<std::string> launch;  // program and arguments
  std::vector<StackVariable> variables;
  std::string directory;   // where it runs; empty: it is not launched
  std::string ready_path;  // empty: /health, or the list of models
  double ready_timeout_s = 1800;
  double stop_timeout_s = 30;
  bool is_declared = false;  // the scenario has the table

  bool operator==(const StackSpec&) const = default;
};
// What is declared as conditions of records: flat, each key begins with "stack_". {"stack": "undeclared"}
// without a declaration.
Json stack_conditions(const StackSpec& stack);

// The program of a kit target, and what it is told.
struct KitSpec {
  std::string
      kit;  // a name of the table of kits, or the path of a file, resolved; empty: the target is no kit
  std::string python;  // what runs it: a path, resolved, or a name; empty: python3 where the file is Python
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, Json>> parameters;  // texts, numbers, booleans
  std::vector<StackVariable> variables;
  double time_limit_s = 600;
  double silence_limit_s = 300;

  bool operator==(const KitSpec&) const = default;
};

inline constexpr size_t kMostServers = 64;  // of one endpoint, those of its classes included

struct TargetSpec {
  std::string name;  // unique; default: the device ("*" for all), host:port of the URL, the kit, or "fake"
  TargetKind kind = TargetKind::kDevice;
  std::string where;         // file:line:column of its table
  std::string device_where;  // the same of its device, where it names one
  // device
  // A ggml device name; "*": every one found. Of a kit: the subject that its records are of; "*": as it says.
  std::string device = "*";
  std::string model =
      "auto";  // path of a GGUF | "smollm2-135m" | "synthetic:SHAPE:TYPE" | "auto": sized to the device
  std::string stands_in_for;    // the scenario's model, where a quick look runs a smaller one; else ""
  uint32_t threads = 0;         // 0: as many as cores
  uint32_t context_tokens = 0;  // per sequence; 0: what the traffic needs
  uint32_t sequences = 16;      // decoded at once
  uint32_t batch_tokens = 512;  // token budget of one engine step
  // endpoint
  std::vector<std::string> urls;  // of its servers, as Url::text writes them: the requests go to each in turn
  std::string api = "chat";       // "chat" | "completions" | "responses": of classes without a kind
  std::string api_key_env, api_key_file, ca_file;
  std::string endpoint_model;
  std::optional<uint32_t> max_connections;  // nothing: as many as this process may open
  double timeout_s = 300;
  std::string tokenizer;    // a file .gguf or a tokenizer.json; empty: none
  std::string metrics_url;  // empty: /metrics beside the URL's /v1
  StackSpec stack;
  // device, endpoint
  double metrics_interval_s = 1;  // of the samples that are taken beside the requests; 0: none
  bool power = true;              // the sensors of this machine are read, if the target works on it
  KitSpec kit;
  // fake
  double prefill_us_per_token = 200;
  double tpot_ms = 5;
  uint32_t fail_every = 0;
  uint32_t lost_after = 0;

  bool is_on_device() const { return row_of(kind).is_on_device; }
  bool takes_traffic() const { return row_of(kind).takes_traffic; }
  std::string url() const { return urls.empty() ? "" : urls.front(); }  // of the first, which may be launched
  bool operator==(const TargetSpec&) const = default;
};

struct TraceSpec {
  std::string path;             // resolved against the scenario's folder; empty: no trace
  std::string format = "auto";  // or the name of a trace format
  uint32_t limit = 200;         // requests
  TraceScaling scaling;
  uint32_t block_tokens = 0;  // of a hash id; 0: as the format has it
  double bytes_per_token = kBytesPerToken;
  std::string key;  // content_key of the file when the scenario was read; empty: of any content

  bool operator==(const TraceSpec&) const = default;
};
// The trace, scaled; reads the file, and refuses one that is not what it was.
Result<Trace> load_trace(const TraceSpec& trace);

// Limits for every class, beside the classes' own: a tier of service.
struct TierSpec {
  std::string name;
  Slo slo;

  bool operator==(const TierSpec&) const = default;
};
inline constexpr const char* kOwnTier = "slo";  // what the classes' own limits are called

// The search for the largest rate at which every class meets its SLO.
struct CapacitySpec {
  double resolution = 0.05;      // relative width of the interval at which it ends
  double confidence = 0.95;      // of each tier's interval
  double max_duration_s = 1800;  // of the whole search
  std::vector<TierSpec> tiers;

  bool operator==(const CapacitySpec&) const = default;
};

// A trial of the mix at each of these.
struct SweepSpec {
  std::vector<double> rates_per_s;  // of arrivals
  std::vector<uint32_t> users;      // in closed loops

  bool operator==(const SweepSpec&) const = default;
};

struct LoadSpec {
  std::vector<TrafficClass> classes;
  Arrivals arrivals;
  std::optional<double> rate_per_s;  // nothing: `utilisation` of what a short burst shows the target can do
  double utilisation = 0.6;
  uint32_t requests_per_class = 64;  // the mix has so many of each class at least
  uint32_t alone_requests = 0;       // of a class alone; 0: as many as requests_per_class
  double max_duration_s = 100;  // of one trial; the number of requests is cut to fit, and the report says so
  bool mix = true;              // the classes together, at the rate that is given or found
  bool alone = true;            // with mix: also each class by itself
  double dispatch_lag_budget_ms = 10;  // p99.9 above it voids the trial
  TraceSpec trace;
  SweepSpec sweep;
  std::optional<CapacitySpec> capacity;

  bool operator==(const LoadSpec&) const = default;
};

struct RooflineSpec {
  std::vector<std::string> types = {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_K"};
  double max_duration_s = 40;       // per device
  double relative_interval = 0.02;  // repeat a kernel until its 95 % interval is so narrow

  bool operator==(const RooflineSpec&) const = default;
};

// A file that a scenario is read with, as it was then.
struct ScenarioFile {
  std::string path;
  std::string key;  // content_key of the file

  bool operator==(const ScenarioFile&) const = default;
};

struct Scenario {
  std::string name;
  std::string path;  // "built-in" for the built-in one
  std::string text;  // the TOML, whole
  uint64_t seed = 1;
  std::vector<std::string> exams;  // in the order of the exam table
  std::vector<TargetSpec> targets;
  LoadSpec load;
  RooflineSpec roofline;
  std::vector<Requirement> requirements;
  std::vector<ScenarioFile> files;  // every trace that it names; never a file with a secret
  bool is_quick = false;
};

// Says an error otherwise than of a file: `error` as it would read of one, and the place that it is about
// (line 0: of no place). For texts that nobody wrote as a file.
using ErrorTelling = std::function<Error(TomlPosition at, Error error)>;

// `path` names the text in errors (file:line:column), unless `tell` says them otherwise. All errors of a file
// are reported, one a line, at most 20. Exam names are checked against `exam_names`. Reads the trace files
// that the text names, nothing else. The scope of a requirement on a serving metric has "phase" and
// "traffic_class" ("all" unless the file says otherwise); one on a single target has "subject": the target's
// name, which its trials carry.
Result<Scenario> parse_scenario(std::string_view text, const std::string& path,
                                std::span<const std::string> exam_names, const ErrorTelling& tell = {});
// The scenario that `assay run` takes when none is named. Its text is part of the program and a file in
// examples/.
std::string_view built_in_scenario_text();
// The same scenario with everything cut down so that it ends within 20 seconds on 2 cores.
Scenario quick(Scenario scenario);

// One row of the key table.
struct ScenarioKey {
  const char* table;  // "target", "traffic.slo"; "" for the top level; "lengths" for what stands in braces
  const char* key;
  const char* type;  // "string", "integer", "number", "boolean", "lengths", "strings" …
  const char* default_text;
  const char* unit;
  const char* definition;
  const char* of_kind = "";  // the kinds of target or request that have this key; "" for all
};
std::span<const ScenarioKey> scenario_keys();
// The table of keys as the Markdown of docs/scenario.md, one section a table.
std::string scenario_reference_markdown();

}  // namespace assay
