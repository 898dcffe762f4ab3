// The artifact rank.json; see rank_facts.h.
#include "load/ranks/rank_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

constexpr const char* kFormat = "assay rank";
constexpr int64_t kVersion = 1;
constexpr int64_t kMostRanks = 1'000'000;
// Instants beyond it are no clock's: sums of several stay within 64 bits.
constexpr int64_t kMostNanos = int64_t{1} << 60;

// Reads members within bounds; the first that is not is the error.
class FactReader {
 public:
  explicit FactReader(const Json& json) : json_(json) {}

  int64_t integer(const char* name, int64_t least, int64_t most) {
    const Json& value = json_[name];
    const int64_t read = value.as_integer();
    if (!value.is_integer() || read < least || read > most) note(name);
    return std::clamp(read, least, most);
  }
  uint32_t count(const char* name) { return static_cast<uint32_t>(integer(name, 0, UINT32_MAX - 1)); }
  // Of what earlier versions did not write.
  uint32_t count_or_0(const char* name) { return json_[name].is_null() ? 0 : count(name); }
  Nanos nanos(const char* name) { return Nanos(integer(name, -kMostNanos, kMostNanos)); }
  Json object(const char* name) {
    if (!json_[name].is_object()) note(name);
    return json_[name];
  }
  std::string text(const char* name) {
    if (!json_[name].is_string()) note(name);
    return printable(json_[name].as_string(), 400);
  }
  const std::string& bad() const { return bad_; }
  void note(const char* name) {
    if (bad_.empty()) bad_ = name;
  }

 private:
  const Json& json_;
  std::string bad_;
};

}  // namespace

void RankFacts::take(const LoadResult& result) {
  own_start = result.start;
  wall_offset = result.wall_offset;
  planned = result.planned;
  dropped_chunks = result.dropped_chunks;
  stray_events = result.stray_events;
  turns_after_failure = result.turns_after_failure;
  turns_after_break_off = result.turns_after_break_off;
  withdrawn = result.withdrawn;
  waited_for_connection = result.waited_for_connection;
  duration = result.duration;
  cpu_time = result.cpu_time;
  failure_examples = result.failure_examples;
  if (result.lost) lost = result.lost->what;
}

std::string RankFacts::to_text() const {
  Json examples = Json::object();
  for (size_t i = 1; i < kFailureCauses; ++i) {
    if (!failure_examples[i].empty())
      examples.set(std::string(name_of(static_cast<FailureCause>(i))), failure_examples[i]);
  }
  return Json::object()
      .set("format", kFormat)
      .set("version", kVersion)
      .set("run", run)
      .set("rank", rank)
      .set("ranks", ranks)
      .set("host", host)
      .set("clock_offset_ns", clock.offset.count)
      .set("clock_error_ns", clock.error.count)
      .set("clock_round_trip_ns", clock.round_trip.count)
      .set("clock_rounds", clock.rounds)
      .set("start_ns", start.count)
      .set("own_start_ns", own_start.count)
      .set("wall_offset_ns", wall_offset.count)
      .set("wanted", wanted)
      .set("users", users)
      .set("wanted_per_class", wanted_per_class)
      .set("dispatch_lag_budget_ms", dispatch_lag_budget_ms)
      .set("stamps_are_wrong", stamps_are_wrong)
      .set("lost", lost)
      .set("planned", planned)
      .set("dropped_chunks", dropped_chunks)
      .set("stray_events", stray_events)
      .set("turns_after_failure", turns_after_failure)
      .set("turns_after_break_off", turns_after_break_off)
      .set("withdrawn", withdrawn)
      .set("waited_for_connection", waited_for_connection)
      .set("duration_ns", duration.count)
      .set("cpu_time_ns", cpu_time.count)
      .set("failure_examples", std::move(examples))
      .set("conditions", conditions)
      .set("rate_conditions", rate_conditions)
      .dump(2);
}

Result<RankFacts> RankFacts::from_text(std::string_view text, const std::string& where) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(text, where));
  if (json["format"].as_string() != kFormat || json["version"].as_integer() != kVersion)
    return fail("its rank.json is of another format or version", where,
                "Merge with the version of assay that ran the ranks.");
  FactReader reader(json);
  RankFacts facts;
  facts.run = reader.text("run");
  facts.ranks = static_cast<uint32_t>(reader.integer("ranks", 1, kMostRanks));
  facts.rank = static_cast<uint32_t>(reader.integer("rank", 0, facts.ranks - 1));
  facts.host = reader.text("host");
  facts.clock = {.offset = reader.nanos("clock_offset_ns"),
                 .error = reader.nanos("clock_error_ns"),
                 .round_trip = reader.nanos("clock_round_trip_ns"),
                 .rounds = reader.count("clock_rounds")};
  facts.start = reader.nanos("start_ns");
  facts.own_start = reader.nanos("own_start_ns");
  facts.wall_offset = Nanos(reader.integer("wall_offset_ns", -2 * kMostNanos, 2 * kMostNanos));
  facts.wanted = reader.count("wanted");
  facts.users = reader.count("users");
  facts.wanted_per_class = reader.count("wanted_per_class");
  facts.dispatch_lag_budget_ms = json["dispatch_lag_budget_ms"].as_number(-1);
  if (!(facts.dispatch_lag_budget_ms >= 0)) reader.note("dispatch_lag_budget_ms");
  facts.stamps_are_wrong = json["stamps_are_wrong"].as_bool();
  facts.lost = reader.text("lost");
  facts.planned = reader.count("planned");
  facts.dropped_chunks = reader.count("dropped_chunks");
  facts.stray_events = reader.count("stray_events");
  facts.turns_after_failure = reader.count_or_0("turns_after_failure");
  facts.turns_after_break_off = reader.count_or_0("turns_after_break_off");
  facts.withdrawn = reader.count_or_0("withdrawn");
  facts.waited_for_connection = reader.count_or_0("waited_for_connection");
  facts.duration = reader.nanos("duration_ns");
  facts.cpu_time = reader.nanos("cpu_time_ns");
  for (size_t i = 1; i < kFailureCauses; ++i) {
    facts.failure_examples[i] =
        printable(json["failure_examples"][name_of(static_cast<FailureCause>(i))].as_string(), 200);
  }
  facts.conditions = reader.object("conditions");
  facts.rate_conditions = reader.object("rate_conditions");
  if (!reader.bad().empty())
    return fail(fmt::format("its rank.json has no usable '{}'", reader.bad()), where,
                "It was changed or cut short: copy it again.");
  return facts;
}

}  // namespace assay
