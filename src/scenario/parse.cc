// From the text of a scenario to a Scenario: the top level of the file, and what its parts say of each other.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "os/os.h"
#include "scenario/draft.h"
#include "scenario/request_keys.h"

namespace assay {

// Made from examples/this-machine.toml by the build.
std::string_view embedded_built_in_scenario();

namespace {

using ReadTable = void (*)(Reader& reader, const TomlValue& table, Draft& draft);

template <ReadTable kRead>
void read_one(Reader& reader, const TomlMember& member, Draft& draft) {
  if (const TomlValue* table = reader.expect_table(member)) kRead(reader, *table, draft);
}

template <ReadTable kRead>
void read_each(Reader& reader, const TomlMember& member, Draft& draft) {
  for (const TomlValue* table : reader.expect_tables(member)) kRead(reader, *table, draft);
}

using ReadMember = void (*)(Reader& reader, const TomlMember& member, Draft& draft);

// The same, with whether it went without an error.
template <ReadMember kRead, bool Draft::* kIsGood>
void read_and_tell(Reader& reader, const TomlMember& member, Draft& draft) {
  const size_t errors_before = reader.error_count();
  kRead(reader, member, draft);
  if (reader.error_count() > errors_before) draft.*kIsGood = false;
}

constexpr Row<Draft> kScenarioRows[] = {
    {{"", "name", "string", "", "", "What results call the evaluation; by default the file's name."},
     [](Reader& r, const TomlMember& m, Draft& d) { r.read_string(m, d.scenario.name); }},
    {{"", "seed", "integer", "1", "",
      "Every random choice follows from it: lengths, order, arrivals, prompts."},
     [](Reader& r, const TomlMember& m, Draft& d) { r.read_integer(m, 0, INT64_MAX, d.scenario.seed); }},
    {{"", "exams", "strings", "", "", "Which exams are run; by default all (`assay list exams`)."},
     [](Reader& r, const TomlMember& m, Draft& d) { r.read_strings(m, d.scenario.exams); }},
    {{"", "target", "tables", "", "", "What is given work; by default every device of this machine."},
     read_and_tell<read_each<read_target>, &Draft::are_targets_good>},
    {{"", "traffic", "tables", "", "", "The classes of requests; the load exam needs one at least."},
     read_and_tell<read_each<read_traffic_class>, &Draft::are_classes_good>},
    {{"", "load", "table", "", "", "How the load exam offers traffic."},
     read_and_tell<read_one<read_load>, &Draft::is_load_good>},
    {{"", "roofline", "table", "", "", "How the roofline exam measures."}, read_one<read_roofline>},
    {{"", "requirement", "tables", "", "",
      "What must be reached; assay exits with 1 when it is not. Without any, the SLOs of the classes are asked for; with some, a class that misses its own is told beside them."},
     read_each<read_requirement>},
};

// Names the unknown ones, and puts the rest into the order of the exam table.
void finish_exams(Reader& reader, const TomlValue& document, std::span<const std::string> exam_names,
                  Scenario& scenario) {
  const TomlValue* exams = document.find("exams");
  if (exams == nullptr) {
    scenario.exams.assign(exam_names.begin(), exam_names.end());
    return;
  }
  for (const TomlValue& item : exams->items) {
    if (item.kind != TomlKind::kString || item.text.empty()) continue;
    if (std::find(exam_names.begin(), exam_names.end(), item.text) != exam_names.end()) continue;
    reader.error(item.at, fmt::format("unknown exam '{}'; there are {}.{}", printable(item.text, 60),
                                      join(exam_names, ", "), suggestion(item.text, exam_names)));
  }
  const std::vector<std::string> asked = std::move(scenario.exams);
  scenario.exams.clear();
  for (const std::string& name : exam_names) {
    if (std::find(asked.begin(), asked.end(), name) != asked.end()) scenario.exams.push_back(name);
  }
}

// Without a [[target]], every device of this machine.
void finish_targets(Scenario& scenario) {
  if (!scenario.targets.empty()) return;
  TargetSpec every_device;
  every_device.name = every_device.device;
  every_device.where = scenario.path;
  scenario.targets.push_back(std::move(every_device));
}

// Every request and the stamp of every token are kept in memory until the trial ends.
void check_size(Reader& reader, const LoadSpec& load) {
  constexpr double kMostRequests = 1e6, kMostTokens = 1e8;
  double least = INFINITY, requests = 0, tokens = 0;
  for (const TrafficClass& traffic : load.classes) {
    if (traffic.weight > 0) least = std::min(least, traffic.weight);
  }
  for (const TrafficClass& traffic : load.classes) {
    const double count = load.requests_per_class * traffic.weight / least;
    requests += count;
    tokens += count * traffic.output_tokens.mean();
  }
  if (requests <= kMostRequests && tokens <= kMostTokens) return;
  reader.error(
      {}, fmt::format("the mix would be {} requests and {} output tokens, and a trial takes {} and {}: lower "
                      "requests_per_class, or bring the weights closer together",
                      format_number(requests), format_number(tokens), format_number(kMostRequests),
                      format_number(kMostTokens)));
}

void check_traffic(Reader& reader, const Draft& draft) {
  const Scenario& scenario = draft.scenario;
  const bool has_load =
      std::find(scenario.exams.begin(), scenario.exams.end(), "load") != scenario.exams.end();
  if (!draft.are_classes_good || !draft.is_load_good) return;
  check_size(reader, scenario.load);
  const bool is_sent_any = std::ranges::any_of(scenario.targets, &TargetSpec::takes_traffic);
  if (!has_load || !is_sent_any || !scenario.load.classes.empty()) return;
  reader.error({}, "the load exam needs traffic: add a [[traffic]] table, or leave \"load\" out of exams");
}

// Where the key of a target stands.
TomlPosition position_of(const TomlValue& document, size_t target, std::string_view key) {
  const TomlValue* tables = document.find("target");
  const bool is_list = tables != nullptr && tables->kind == TomlKind::kArray && target < tables->items.size();
  const TomlValue* table = is_list ? &tables->items[target] : tables;
  const TomlValue* value = table == nullptr ? nullptr : table->find(key);
  return value == nullptr ? TomlPosition{} : value->at;
}

// Of a class that never fits each request would be refused, one by one. What a trace asks for is not known
// here.
void check_contexts(Reader& reader, const TomlValue& document, const Scenario& scenario) {
  const bool has_load = std::ranges::find(scenario.exams, "load") != scenario.exams.end();
  if (!has_load || !scenario.load.trace.path.empty()) return;
  for (size_t i = 0; i < scenario.targets.size(); ++i) {
    const TargetSpec& target = scenario.targets[i];
    if (!target.is_on_device() || target.context_tokens == 0) continue;
    for (const TrafficClass& c : scenario.load.classes) {
      const uint64_t least = uint64_t{c.prompt_tokens.least()} + c.output_tokens.least();
      if (least <= target.context_tokens) continue;
      reader.error(position_of(document, i, "context_tokens"),
                   fmt::format("context_tokens is {}, and the shortest request of the class '{}' takes {} "
                               "(prompt_tokens and output_tokens): give that at least, or leave the key out",
                               target.context_tokens, printable(c.name, 60), least));
      break;
    }
  }
}

std::string name_from_path(const std::string& path) {
  std::string name = file_name(path);
  if (name.ends_with(".toml")) name.resize(name.size() - 5);
  return name.empty() ? "scenario" : name;
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text, const std::string& path,
                                std::span<const std::string> exam_names, const ErrorTelling& tell) {
  ASSIGN_OR_RETURN(const TomlValue document, parse_toml(text, path));
  Reader reader(path, tell);
  Draft draft;
  Scenario& scenario = draft.scenario;
  scenario.path = path;
  scenario.text = text;
  read_table<Draft>(reader, document, kScenarioRows, draft);
  for (const auto& [name, is_good] : {std::pair{"target", &Draft::are_targets_good},
                                      {"traffic", &Draft::are_classes_good},
                                      {"load", &Draft::is_load_good}}) {
    const bool is_slip = document.find(name) == nullptr && reader.has_or_means(document, name);
    if (is_slip) draft.*is_good = false;
  }
  finish_exams(reader, document, exam_names, scenario);
  finish_targets(scenario);
  check_traffic(reader, draft);
  if (draft.are_targets_good && draft.are_classes_good) {
    check_kinds_of_targets(reader, scenario);
    check_contexts(reader, document, scenario);
  }
  finish_rates(reader, draft);
  finish_requirements(reader, draft);
  scenario.files = reader.files();
  if (scenario.name.empty()) scenario.name = name_from_path(path);
  if (reader.error_count() > 0) return std::unexpected(reader.combined_error());
  return std::move(scenario);
}

std::string_view built_in_scenario_text() {
  return embedded_built_in_scenario();
}

std::span<const ScenarioKey> scenario_keys() {
  static const std::vector<ScenarioKey> kKeys = [] {
    std::vector<ScenarioKey> keys;
    append_keys<Draft>(kScenarioRows, keys);
    append_target_keys(keys);
    append_stack_keys(keys);
    append_traffic_keys(keys);
    append_length_keys(keys);
    append_load_keys(keys);
    append_rate_keys(keys);
    append_roofline_keys(keys);
    append_requirement_keys(keys);
    return keys;
  }();
  return kKeys;
}

}  // namespace assay
