// From --sweep, --capacity and --tiers to the tables of a scenario; see rate_flags.h.
#include "cli/rate_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/base.h"
#include "cli/flag_values.h"

namespace assay {
namespace {

constexpr double kMostUsers = 1'000'000, kLeastRate = 1e-6;
constexpr size_t kMostPoints = 100;  // of a sweep

struct Sweep {
  std::string key;  // of [load.sweep]
  std::vector<double> values;
};

Result<Sweep> sweep_of(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return fail(fmt::format("'{}' is no sweep: {}", printable(text, 60), why), "--sweep",
                "Write rate=1,2,4,8 or concurrency=1,2,4,8.");
  };
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  Sweep sweep;
  if (equals == std::string::npos || (name != "rate" && name != "concurrency"))
    return wrong("it names neither rate nor concurrency");
  const bool is_rate = name == "rate";
  sweep.key = is_rate ? "rate_per_s" : "users";
  for (const std::string_view part : split(std::string_view(text).substr(equals + 1), ',')) {
    const std::optional<double> value = parse_number(part);
    const bool is_good = value && *value >= kLeastRate && *value <= kMostUsers &&
                         (is_rate || *value == static_cast<double>(static_cast<int64_t>(*value)));
    if (!is_good)
      return wrong(fmt::format("'{}' is no {}", printable(part, 30), is_rate ? "rate" : "number of users"));
    if (std::ranges::find(sweep.values, *value) != sweep.values.end())
      return wrong(fmt::format("{} stands there twice", *value));
    if (sweep.values.size() >= kMostPoints) return wrong(fmt::format("more than {} points", kMostPoints));
    sweep.values.push_back(*value);
  }
  return sweep;
}

// "relaxed.ttft:2000,relaxed.tpot:100" as [[load.capacity.tier]] tables, in the order of their first words.
Result<FlagText> tiers_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> tiers;  // name, words of its limits
  for (const std::string_view word : split(text, ',')) {
    const size_t dot = word.find('.');
    if (dot == std::string_view::npos || dot == 0)
      return fail(fmt::format("'{}' names no tier", printable(word, 60)), "--tiers",
                  "Write NAME.KEY:MS, for example --tiers relaxed.ttft:2000 relaxed.tpot:100.");
    const std::string name(word.substr(0, dot)), limit(word.substr(dot + 1));
    auto found = std::ranges::find(tiers, name, &std::pair<std::string, std::string>::first);
    if (found == tiers.end())
      tiers.emplace_back(name, limit);
    else
      found->second += "," + limit;
  }
  FlagText out;
  for (const auto& [name, words] : tiers) {
    Result<std::vector<LimitWord>> limits = limits_of_words(words, "--tiers");
    if (!limits) {
      limits.error().remedy =
          "Write NAME.KEY:MS with ttft, tpot or e2el, for example --tiers relaxed.ttft:2000.";
      return std::unexpected(limits.error());
    }
    const bool is_plain = std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_';
    });
    if (!is_plain)
      return fail(fmt::format("'{}' is no name of a tier", printable(name, 60)), "--tiers",
                  "Letters, digits, - and _ make one.");
    out.add("\n");
    out.add(fmt::format("[[load.capacity.tier]]\nname = \"{}\"\n", name),
            typed_flag("--tiers", fmt::format("{}.{}", name, limits->front().word)));
    for (const LimitWord& limit : *limits)
      out.add(limit.setting + "\n", typed_flag("--tiers", fmt::format("{}.{}", name, limit.word)));
  }
  return out;
}

}  // namespace

Result<std::vector<LimitWord>> limits_of_words(const std::string& text, const char* flag) {
  std::vector<LimitWord> limits;
  std::vector<std::string_view> names;
  for (const std::string_view part : split(text, ',')) {
    const size_t colon = part.find(':');
    const std::string_view key = part.substr(0, colon);
    const std::optional<double> limit =
        colon == std::string_view::npos ? std::nullopt : parse_number(part.substr(colon + 1));
    // Elsewhere the gaps between chunks, which have no limit here.
    if (key == "itl")
      return fail(fmt::format("'{}' is no limit: inter-token latency means different things, and no limit is "
                              "held against single gaps",
                              printable(part, 60)),
                  flag, "Use tpot, the mean time between the tokens of a request.");
    const char* name = key == "ttft"                   ? "ttft_ms"
                       : key == "tpot"                 ? "tpot_ms"
                       : key == "e2el" || key == "e2e" ? "e2e_ms"
                                                       : nullptr;
    if (name == nullptr || !limit || !(*limit > 0)) {
      return fail(fmt::format("'{}' is no limit", printable(part, 60)), flag,
                  "Write KEY:MS with ttft, tpot or e2el, for example --goodput ttft:500 tpot:50.");
    }
    if (std::ranges::find(names, name) != names.end())
      return fail(fmt::format("'{}' is a second limit of {}", printable(part, 60), key), flag,
                  "Give each limit once.");
    names.emplace_back(name);
    limits.push_back({std::string(part), fmt::format("{} = {}", name, *limit)});
  }
  return limits;
}

Result<RateChoice> rates_of_flags(const ParsedOptions& options) {
  RateChoice choice;
  const bool has_sweep = options.has("--sweep"), has_capacity = options.has("--capacity");
  if (options.has("--tiers") && !has_capacity)
    return fail("tiers are judged by the search for capacity", "--tiers", "Add --capacity.");
  choice.is_asked = has_sweep || has_capacity;
  if (!choice.is_asked) return choice;
  for (const char* flag : {"--request-rate", "--max-concurrency", "--dataset-name", "--dataset-path"}) {
    if (options.has(flag))
      return fail(fmt::format("{} itself says how requests come", has_sweep ? "--sweep" : "--capacity"), flag,
                  "Leave it out.");
  }
  choice.takes_requests = has_sweep;
  if (has_sweep) {
    ASSIGN_OR_RETURN(const Sweep sweep, sweep_of(options.value("--sweep")));
    const bool is_rate = sweep.key == "rate_per_s";
    if (!is_rate && options.has("--burstiness"))
      return fail("in a closed loop the answers make the gaps", "--burstiness", "Sweep over rate=… instead.");
    std::string values;
    for (const double value : sweep.values) values += fmt::format("{}{}", values.empty() ? "" : ", ", value);
    choice.tables.add("\n");
    choice.tables.add(fmt::format("[load.sweep]\n{} = [{}]\n", sweep.key, values),
                      typed_flag(options, "--sweep"));
    choice.words = fmt::format("at {} {}", values, is_rate ? "a second" : "users");
  }
  if (has_capacity) {
    choice.tables.add("\n");
    choice.tables.add("[load.capacity]\n", "--capacity");
    if (options.has("--duration")) {
      ASSIGN_OR_RETURN(const double duration_s, number_of(options, "--duration", 0.1, kLongestDurationS));
      choice.tables.add(fmt::format("max_duration_s = {}\n", duration_s), typed_flag(options, "--duration"));
    }
    if (options.has("--tiers")) {
      ASSIGN_OR_RETURN(const FlagText tiers, tiers_of(options.value("--tiers")));
      choice.tables.add(tiers);
    } else if (!options.has("--goodput")) {
      return fail("capacity is that under limits, and there are none", "--capacity",
                  "Add --goodput ttft:500 tpot:50, with your limits in milliseconds.");
    }
    choice.words += fmt::format("{}the search for capacity", choice.words.empty() ? "" : ", then ");
  }
  return choice;
}

}  // namespace assay
