// [load.sweep] and [load.capacity]: trials at several rates, and the search for the largest that the SLOs
// permit.
#include <fmt/format.h>

#include <algorithm>

#include "scenario/draft.h"

namespace assay {
namespace {

constexpr size_t kMostPoints = 100, kMostTiers = 10;
constexpr double kMostRate = 1e6;
constexpr int64_t kMostUsers = 1'000'000;

// A list of numbers in [low, high], none twice.
std::vector<double> read_numbers(Reader& reader, const TomlMember& member, double low, double high,
                                 bool is_whole) {
  const TomlValue& value = member.value;
  const std::string wanted =
      fmt::format("{} is a list of {} from {} to {}, 1 to {} of them, none twice", member.key,
                  is_whole ? "whole numbers" : "numbers", low, high, kMostPoints);
  std::vector<double> numbers;
  if (value.kind != TomlKind::kArray || value.items.empty() || value.items.size() > kMostPoints) {
    reader.error(value.at, wanted);
    return numbers;
  }
  for (const TomlValue& item : value.items) {
    const bool is_good =
        item.is_number() && item.number >= low && item.number <= high &&
        (!is_whole || item.number == static_cast<double>(static_cast<int64_t>(item.number))) &&
        std::ranges::find(numbers, item.number) == numbers.end();
    if (!is_good) {
      reader.error(item.at, wanted);
      return {};
    }
    numbers.push_back(item.number);
  }
  return numbers;
}

constexpr Row<SweepSpec> kSweepRows[] = {
    {{"load.sweep", "rate_per_s", "numbers", "", "arrivals/s", "Rates as of load.rate_per_s: [1, 2, 4, 8]."},
     [](Reader& r, const TomlMember& m, SweepSpec& s) {
       s.rates_per_s = read_numbers(r, m, 1e-6, kMostRate, false);
     }},
    {{"load.sweep", "users", "integers", "", "",
      "Users of a closed loop, each with one request or session at a time, pausing for load.pause_s: [1, 2, 4, 8]."},
     [](Reader& r, const TomlMember& m, SweepSpec& s) {
       for (const double users : read_numbers(r, m, 1, kMostUsers, true))
         s.users.push_back(static_cast<uint32_t>(users));
     }},
};

constexpr Row<TierSpec> kTierRows[] = {
    {{"load.capacity.tier", "name", "string", "", "", "What results call the tier; unique. Required."},
     [](Reader& r, const TomlMember& m, TierSpec& t) { r.read_string(m, t.name); }},
    {{"load.capacity.tier", "ttft_ms", "number", "", "ms",
      "Limit of the time to first token, of every class."},
     [](Reader& r, const TomlMember& m, TierSpec& t) {
       r.read_number(m, 0.001, kMaxLimitMs, t.slo.ttft_ms);
     }},
    {{"load.capacity.tier", "tpot_ms", "number", "", "ms", "Limit of the time per output token."},
     [](Reader& r, const TomlMember& m, TierSpec& t) {
       r.read_number(m, 0.001, kMaxLimitMs, t.slo.tpot_ms);
     }},
    {{"load.capacity.tier", "e2e_ms", "number", "", "ms", "Limit of the time to the last token."},
     [](Reader& r, const TomlMember& m, TierSpec& t) { r.read_number(m, 0.001, kMaxLimitMs, t.slo.e2e_ms); }},
    {{"load.capacity.tier", "share", "number", "0.9", "",
      "Share of requests that must keep every limit; below 1."},
     [](Reader& r, const TomlMember& m, TierSpec& t) {
       r.read_number(m, 0.01, 0.9999, t.slo.required_share);
     }},
};

void read_tier(Reader& reader, const TomlValue& table, CapacitySpec& capacity) {
  TierSpec tier;
  const size_t errors_before = reader.error_count();
  read_table<TierSpec>(reader, table, kTierRows, tier);
  require_keys(reader, table, "load.capacity.tier", {"name"});
  if (reader.error_count() != errors_before) return;
  const auto is_same = [&](const TierSpec& other) { return other.name == tier.name; };
  if (tier.name == kOwnTier)
    return reader.error(table.at, fmt::format("a tier cannot be called '{}': results use that word for the "
                                              "limits of the classes themselves",
                                              kOwnTier));
  if (std::ranges::any_of(capacity.tiers, is_same))
    return reader.error(table.at, fmt::format("there is a tier '{}' already", printable(tier.name, 60)));
  if (!tier.slo.has_limits())
    return reader.error(table.at, "a tier needs a limit: ttft_ms, tpot_ms or e2e_ms");
  if (capacity.tiers.size() >= kMostTiers)
    return reader.error(table.at, fmt::format("more than {} tiers", kMostTiers));
  capacity.tiers.push_back(std::move(tier));
}

constexpr Row<CapacitySpec> kCapacityRows[] = {
    {{"load.capacity", "resolution", "number", "0.05", "",
      "The search ends when its interval is this narrow, relative to the lower end."},
     [](Reader& r, const TomlMember& m, CapacitySpec& c) { r.read_number(m, 0.01, 1, c.resolution); }},
    {{"load.capacity", "confidence", "number", "0.95", "",
      "With which the capacity lies within the interval, of each tier by itself."},
     [](Reader& r, const TomlMember& m, CapacitySpec& c) { r.read_number(m, 0.5, 0.9999, c.confidence); }},
    {{"load.capacity", "max_duration_s", "number", "1800", "s",
      "Limit of the whole search; when it is spent, the wider interval that is known by then is the answer."},
     [](Reader& r, const TomlMember& m, CapacitySpec& c) { r.read_positive(m, 604'800, c.max_duration_s); }},
    {{"load.capacity", "tier", "tables", "", "",
      "Further sets of limits, of every class, that the same trials are judged by; each gets its own capacity."},
     [](Reader& r, const TomlMember& m, CapacitySpec& c) {
       for (const TomlValue* table : r.expect_tables(m)) read_tier(r, *table, c);
     }},
};

bool do_all_come_at_a_rate(const LoadSpec& load) {
  return load.arrivals.has_rate() && std::ranges::all_of(load.classes, [](const TrafficClass& each) {
           return !each.arrivals || each.arrivals->has_rate();
         });
}

void finish_capacity(Reader& reader, TomlPosition at, const LoadSpec& load) {
  if (!do_all_come_at_a_rate(load)) {
    reader.error(at,
                 "the search for capacity changes the rate: arrivals can only be \"poisson\", \"constant\" "
                 "or \"gamma\"");
  }
  const bool has_limits =
      !load.capacity->tiers.empty() ||
      std::ranges::any_of(load.classes, [](const TrafficClass& each) { return each.slo.has_limits(); });
  if (!has_limits)
    reader.error(
        at, "capacity is that under limits: give a traffic class an slo, or add a [[load.capacity.tier]]");
  for (const TrafficClass& each : load.classes) {
    if (each.slo.has_limits() && each.slo.required_share > 0.9999) {
      reader.error(
          at, fmt::format("no number of requests shows that all keep a limit: lower the slo's share of '{}' "
                          "below 1, to 0.999 for example",
                          printable(each.name, 60)));
    }
  }
}

void finish_sweep(Reader& reader, TomlPosition at, const LoadSpec& load) {
  const SweepSpec& sweep = load.sweep;
  if (sweep.rates_per_s.empty() && sweep.users.empty())
    return reader.error(at, "[load.sweep] needs rate_per_s or users");
  if (!sweep.rates_per_s.empty() && !do_all_come_at_a_rate(load)) {
    reader.error(at, "a sweep over rates needs arrivals at a rate: \"poisson\", \"constant\" or \"gamma\"");
  }
  const bool has_own =
      std::ranges::any_of(load.classes, [](const TrafficClass& each) { return each.arrivals.has_value(); });
  if (!sweep.users.empty() && (has_own || load.arrivals.kind == Arrivals::Kind::kTrace))
    reader.error(
        at, "a sweep over users makes the arrivals: no class can have its own, and no trace is replayed");
}

}  // namespace

void read_capacity(Reader& reader, const TomlValue& table, LoadSpec& load) {
  load.capacity.emplace();
  read_table<CapacitySpec>(reader, table, kCapacityRows, *load.capacity);
}

void read_sweep(Reader& reader, const TomlValue& table, LoadSpec& load) {
  read_table<SweepSpec>(reader, table, kSweepRows, load.sweep);
}

void finish_rates(Reader& reader, const Draft& draft) {
  const LoadSpec& load = draft.scenario.load;
  if (!draft.are_classes_good || !draft.is_load_good) return;
  if (draft.capacity != nullptr && load.capacity) finish_capacity(reader, draft.capacity->at, load);
  if (draft.sweep != nullptr) finish_sweep(reader, draft.sweep->at, load);
  if (!load.mix && draft.capacity == nullptr && draft.sweep == nullptr)
    reader.error({}, "[load] with mix = false has nothing to run: add [load.sweep] or [load.capacity]");
}

void append_rate_keys(std::vector<ScenarioKey>& keys) {
  append_keys<SweepSpec>(kSweepRows, keys);
  append_keys<CapacitySpec>(kCapacityRows, keys);
  append_keys<TierSpec>(kTierRows, keys);
}

}  // namespace assay
