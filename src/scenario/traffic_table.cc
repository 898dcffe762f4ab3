// [[traffic]]: the classes of requests, and their SLO.
#include <fmt/format.h>

#include <algorithm>

#include "scenario/arrival_keys.h"
#include "scenario/draft.h"
#include "scenario/request_keys.h"

namespace assay {
namespace {

constexpr int64_t kMaxTurns = 1000;
constexpr int64_t kMaxClasses = 100;

constexpr Row<Slo> kSloRows[] = {
    {{"traffic.slo", "ttft_ms", "number", "", "ms", "Limit of the time to first token."},
     [](Reader& r, const TomlMember& m, Slo& s) { r.read_number(m, 0.001, kMaxLimitMs, s.ttft_ms); }},
    {{"traffic.slo", "tpot_ms", "number", "", "ms", "Limit of the time per output token."},
     [](Reader& r, const TomlMember& m, Slo& s) { r.read_number(m, 0.001, kMaxLimitMs, s.tpot_ms); }},
    {{"traffic.slo", "e2e_ms", "number", "", "ms", "Limit of the time to the last token."},
     [](Reader& r, const TomlMember& m, Slo& s) { r.read_number(m, 0.001, kMaxLimitMs, s.e2e_ms); }},
    {{"traffic.slo", "share", "number", "0.9", "",
      "Share of requests that must keep every limit for the class to meet its SLO."},
     [](Reader& r, const TomlMember& m, Slo& s) {
       double share = 0;
       r.read_positive(m, 1, share);
       if (share > 0) s.required_share = share;
     }},
};

Arrivals& own_arrivals(TrafficClass& traffic) {
  if (!traffic.arrivals) traffic.arrivals.emplace();
  return *traffic.arrivals;
}
using OwnArrivalKeys = ArrivalKeys<TrafficClass, own_arrivals>;

constexpr Row<TrafficClass> kTrafficRows[] = {
    {{"traffic", "name", "string", "", "", "What results call the class; unique. Required."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_string(m, c.name); }},
    {{"traffic", "weight", "number", "1", "", "Its share of the requests, relative to the other classes."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_positive(m, 1e6, c.weight); }},
    {{"traffic", "corpus", "string", "\"prose\"", "",
      "The text that prompts are cut from: \"prose\" or \"code\"."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_choice(m, corpus_names(), c.corpus); }},
    {{"traffic", "prompt_tokens", "lengths", "", "tokens",
      "Length of the prompt; of a session, of each turn's; of rerank, of the query; of kserve, a later extent of a "
      "tensor that varies. Required but for kserve and json."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       read_lengths(r, m, kMaxTokens, c.prompt_tokens);
     }},
    {{"traffic", "output_tokens", "lengths", "", "tokens",
      "Length of the answer: exactly so many tokens are asked for. Required of kinds that are streamed; others have "
      "none."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       read_lengths(r, m, kMaxTokens, c.output_tokens);
     }},
    {{"traffic", "turns", "lengths", "1", "",
      "Turns of a session; each is sent with all before it and their answers."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { read_lengths(r, m, kMaxTurns, c.turns); }},
    {{"traffic", "think_time_s", "number", "0", "s",
      "Mean of the exponential pause between an answer and the next turn."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) { r.read_number(m, 0, 86'400, c.think_time_s); }},
    {{"traffic", "prefix_tokens", "integer", "0", "tokens",
      "So many tokens at the head of the prompt are shared between requests of the class, by default all of them: a "
      "system prompt."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       r.read_integer(m, 0, kMaxTokens, c.prefix_tokens);
     }},
    {{"traffic", "arrivals", "string", "", "",
      "Arrivals of its own, at its share of the rate: as in [load], but for \"trace\". By default those of [load]."},
     OwnArrivalKeys::read_kind},
    {{"traffic", "cv", "number", "", "", kCvText}, OwnArrivalKeys::read_cv},
    {{"traffic", "users", "integer", "", "", kUsersText}, OwnArrivalKeys::read_users},
    {{"traffic", "pause_s", "number", "", "s", kPauseText}, OwnArrivalKeys::read_pause},
    {{"traffic", "rate_curve", "points", "", "", kCurveText}, OwnArrivalKeys::read_curve},
    {{"traffic", "slo", "table", "{}", "", "The limits that a request must keep to count as good."},
     [](Reader& r, const TomlMember& m, TrafficClass& c) {
       if (const TomlValue* table = r.expect_table(m)) read_table<Slo>(r, *table, kSloRows, c.slo);
     }},
};

std::span<const Row<TrafficClass>> all_rows() {
  static const std::vector<Row<TrafficClass>> rows = [] {
    std::vector<Row<TrafficClass>> all(std::begin(kTrafficRows), std::end(kTrafficRows));
    const std::span<const Row<TrafficClass>> request = request_rows();
    all.insert(all.end(), request.begin(), request.end());
    return all;
  }();
  return rows;
}

}  // namespace

void read_traffic_class(Reader& reader, const TomlValue& table, Draft& draft) {
  TrafficClass c;
  const size_t errors_before = reader.error_count();
  read_table<TrafficClass>(reader, table, all_rows(), c);
  require_keys(reader, table, "traffic", {"name"});
  std::vector<TrafficClass>& classes = draft.scenario.load.classes;
  if (classes.size() >= kMaxClasses)
    return reader.error(table.at, fmt::format("more than {} traffic classes", kMaxClasses));
  const auto same = std::find_if(classes.begin(), classes.end(),
                                 [&](const TrafficClass& other) { return other.name == c.name; });
  if (same != classes.end() && !c.name.empty()) {
    reader.error(table.at, fmt::format("there is a traffic class '{}' already", printable(c.name, 60)));
  }
  if (c.name == "all")
    reader.error(table.at, "a traffic class cannot be called 'all': results use that word for the mix");
  check_request_keys(reader, table, c, reader.error_count() == errors_before);
  const bool is_read = reader.error_count() == errors_before;
  if (is_read && c.prefix_tokens > 0 && c.prefix_tokens >= c.prompt_tokens.mean()) {
    reader.error(table.find("prefix_tokens")->at,
                 "prefix_tokens must be below the mean of prompt_tokens, which include them");
  }
  if (c.arrivals && is_read) {
    check_arrival_keys(reader, table, *c.arrivals);
    if (c.arrivals->kind == Arrivals::Kind::kTrace)
      reader.error(table.find("arrivals")->at, "a trace is for all classes: [load.trace]");
  }
  // A path is a template only where the kind is json.
  if (c.request.kind == RequestKind::kJson) {
    c.request.path.clear();
  } else {
    c.request.target = {};
  }
  classes.push_back(std::move(c));
}

void append_traffic_keys(std::vector<ScenarioKey>& keys) {
  append_keys<TrafficClass>(kTrafficRows, keys);
  append_request_keys(keys);
  append_keys<Slo>(kSloRows, keys);
}

}  // namespace assay
