// [[requirement]]: what the buyer asks for, held against the metric table, the targets and the traffic
// classes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenario/draft.h"

namespace assay {
namespace {

constexpr double kMaxValue = 1e18;
const std::array<std::string, 2> kPhases = {"mix", "alone"};

constexpr Row<RequirementDraft> kRequirementRows[] = {
    {{"requirement", "metric", "string", "", "",
      "A metric of `assay list metrics`, with its statistic where it is a distribution: ttft_ms_p90. Required."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_string(m, d.metric); }},
    {{"requirement", "at_least", "number", "", "the metric's",
      "The value must not be lower. This or at_most is required."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_number(m, 0, kMaxValue, d.at_least); }},
    {{"requirement", "at_most", "number", "", "the metric's", "The value must not be higher."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_number(m, 0, kMaxValue, d.at_most); }},
    {{"requirement", "traffic_class", "string", "\"all\"", "",
      "Of a load trial: one class, or \"all\" for the requests of all classes together."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_string(m, d.traffic_class); }},
    {{"requirement", "target", "string", "", "", "The target that must meet it; by default every one."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_string(m, d.target); }},
    {{"requirement", "phase", "string", "\"mix\"", "",
      "Of a load trial: \"mix\", or \"alone\" for a class by itself."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_choice(m, kPhases, d.phase); }},
    {{"requirement", "tier", "string", "", "",
      "Of capacity_per_s: a [[load.capacity.tier]], or \"slo\" for the classes' own limits; by default every one."},
     [](Reader& r, const TomlMember& m, RequirementDraft& d) { r.read_string(m, d.tier); }},
};

constexpr std::string_view kCapacity = "capacity_per_s";

// Of traffic_class and phase: why no record could meet them; "" where one could.
std::string problem_of_scope(const RequirementDraft& draft, const Metric& metric) {
  const bool names_class = !draft.traffic_class.empty(), names_phase = !draft.phase.empty();
  const bool is_between_phases = std::string_view(metric.name).ends_with("interference");
  switch (metric.scope) {
    case Scope::kClass:
      return "";
    case Scope::kEachClass:
      return draft.traffic_class == "all" ? "is of each class by itself: name one, or leave traffic_class out"
             : is_between_phases && names_phase ? "holds the mix against each class alone: leave phase out"
                                                : "";
    case Scope::kTrial:
      return names_class && draft.traffic_class != "all"
                 ? "is of all classes together: leave traffic_class out"
                 : "";
    case Scope::kTarget:
      return names_class || names_phase ? "is of the target as a whole: leave traffic_class and phase out"
                                        : "";
    case Scope::kDevice:
    case Scope::kHost:
      return names_class || names_phase ? "does not come from traffic: leave traffic_class and phase out"
                                        : "";
  }
  std::unreachable();
}

// One direction only, and the one in which the metric is better.
std::string problem_of_limits(const RequirementDraft& draft, const Metric& metric) {
  if (draft.at_least.has_value() == draft.at_most.has_value())
    return "a requirement needs at_least or at_most, one of them";
  if (draft.at_least && metric.better == Better::kLower) {
    return fmt::format("{} is better when it is lower: require at_most", draft.metric);
  }
  if (draft.at_most && metric.better == Better::kHigher) {
    return fmt::format("{} is better when it is higher: require at_least", draft.metric);
  }
  return "";
}

void check_class(Reader& reader, const RequirementDraft& draft, const Scenario& scenario) {
  std::vector<std::string> known = {"all"};
  for (const TrafficClass& c : scenario.load.classes) known.push_back(c.name);
  if (std::find(known.begin(), known.end(), draft.traffic_class) != known.end()) return;
  reader.error(draft.at("traffic_class"),
               fmt::format("unknown traffic class '{}'.{}", printable(draft.traffic_class, 60),
                           suggestion(draft.traffic_class, known)));
}

// Metrics of answers that come token by token are none of a class whose answers come at once.
void check_streamed(Reader& reader, const RequirementDraft& draft, const Metric& metric,
                    const Scenario& scenario) {
  constexpr std::string_view kStreamed[] = {
      "ttft_ms", "ttfo_ms", "tpot_ms", "chunk_gap_ms", "tpot_interference", "output_throughput_tokens_per_s"};
  if (std::ranges::find(kStreamed, metric.name) == std::end(kStreamed)) return;
  for (const TrafficClass& c : scenario.load.classes) {
    const RequestKindRow& kind = row_of(c.request.kind_or(RequestKind::kChat));
    if (c.name != draft.traffic_class || kind.streams) continue;
    reader.error(draft.at("metric"),
                 fmt::format("{} is none of the class '{}': answers of kind {} come at once, and have e2e_ms",
                             draft.metric, printable(c.name, 60), kind.name));
  }
}

// Capacity is searched for only when asked for, and is that of the whole mix.
void check_capacity(Reader& reader, const RequirementDraft& draft, const Scenario& scenario) {
  if (draft.metric != kCapacity) {
    if (!draft.tier.empty())
      reader.error(draft.at("tier"), fmt::format("tier goes with {}, not with {}", kCapacity, draft.metric));
    return;
  }
  if (!scenario.load.capacity)
    return reader.error(draft.at("metric"), "capacity_per_s is measured only with a [load.capacity]");
  std::vector<std::string> known = {kOwnTier};
  for (const TierSpec& tier : scenario.load.capacity->tiers) known.push_back(tier.name);
  if (draft.tier.empty() || std::find(known.begin(), known.end(), draft.tier) != known.end()) return;
  reader.error(draft.at("tier"),
               fmt::format("unknown tier '{}'.{}", printable(draft.tier, 60), suggestion(draft.tier, known)));
}

// A target by name; with device = "*" the names are known only when the machine has been looked at.
void check_target(Reader& reader, const RequirementDraft& draft, const Scenario& scenario) {
  std::vector<std::string> known;
  for (const TargetSpec& target : scenario.targets) {
    if (target.is_on_device() && target.device == "*") return;
    known.push_back(target.name);
  }
  if (std::find(known.begin(), known.end(), draft.target) != known.end()) return;
  reader.error(draft.at("target"), fmt::format("unknown target '{}'.{}", printable(draft.target, 60),
                                               suggestion(draft.target, known)));
}

// "p90 of time to first token of chat ≥ 10 ms on CPU".
std::string requirement_text(const RequirementDraft& draft, const MetricName& name) {
  std::string text = name.statistic.empty() ? "" : name.statistic + " of ";
  text += name.metric->title;
  if (!draft.traffic_class.empty() && draft.traffic_class != "all") text += " of " + draft.traffic_class;
  if (draft.phase == "alone") text += " alone";
  text += fmt::format(" {} {}", draft.at_least ? "≥" : "≤",
                      format_number(draft.at_least ? *draft.at_least : *draft.at_most));
  if (const std::string_view unit = name.metric->unit; !unit.empty()) text += fmt::format(" {}", unit);
  if (!draft.tier.empty()) text += " in tier " + draft.tier;
  if (!draft.target.empty()) text += " on " + draft.target;
  return text;
}

void finish_one(Reader& reader, const RequirementDraft& draft, Draft& whole) {
  Scenario& scenario = whole.scenario;
  const Result<MetricName> name = parse_metric_name(draft.metric);
  if (!name) return reader.error(draft.at("metric"), sentences(name.error().what, name.error().remedy));
  const Metric& metric = *name->metric;
  RequirementDraft full = draft;
  const bool is_of_all = metric.scope == Scope::kClass || metric.scope == Scope::kTrial;
  if ((is_of_all || metric.scope == Scope::kEachClass) && full.phase.empty()) full.phase = "mix";
  // Where there is none of all together, it holds for each.
  if (is_of_all && full.traffic_class.empty() && full.phase == "mix") full.traffic_class = "all";
  if (const std::string problem = problem_of_limits(draft, metric); !problem.empty()) {
    return reader.error(draft.at(draft.at_least ? "at_least" : "at_most"), problem);
  }
  if (const std::string problem = problem_of_scope(draft, metric); !problem.empty())
    return reader.error(draft.at("metric"), fmt::format("{} {}", draft.metric, problem));
  if (!draft.traffic_class.empty() && whole.are_classes_good) check_class(reader, draft, scenario);
  if (whole.are_classes_good) check_streamed(reader, draft, metric, scenario);
  if (!draft.target.empty() && whole.are_targets_good) check_target(reader, draft, scenario);
  if (whole.is_load_good) check_capacity(reader, draft, scenario);

  Json scope = Json::object();
  if (!full.phase.empty()) scope.set("phase", full.phase);
  if (!full.traffic_class.empty()) scope.set("traffic_class", full.traffic_class);
  if (!full.tier.empty()) scope.set("tier", full.tier);
  if (!full.target.empty()) scope.set("subject", full.target);
  scenario.requirements.push_back({.id = static_cast<int64_t>(scenario.requirements.size()) + 1,
                                   .text = requirement_text(full, *name),
                                   .metric = draft.metric,
                                   .comparison = draft.at_least ? ">=" : "<=",
                                   .value = draft.at_least ? *draft.at_least : *draft.at_most,
                                   .unit = metric.unit,
                                   .scope = std::move(scope),
                                   .question = 2,
                                   .source = reader.where(draft.table->at)});
}

}  // namespace

void read_requirement(Reader& reader, const TomlValue& table, Draft& draft) {
  RequirementDraft requirement;
  const size_t errors_before = reader.error_count();
  requirement.table = &table;
  read_table<RequirementDraft>(reader, table, kRequirementRows, requirement);
  require_keys(reader, table, "requirement", {"metric"});
  if (reader.error_count() == errors_before) draft.requirements.push_back(std::move(requirement));
}

void finish_requirements(Reader& reader, Draft& draft) {
  for (const RequirementDraft& requirement : draft.requirements) finish_one(reader, requirement, draft);
}

void append_requirement_keys(std::vector<ScenarioKey>& keys) {
  append_keys<RequirementDraft>(kRequirementRows, keys);
}

}  // namespace assay
