// Doubts about a load trial; see doubts.h.
#include "load/doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "measure/measure.h"

namespace assay {
namespace {

// How much of a rate may be missing, since the window began empty, without a doubt; and from how much on it
// is one if the rate's interval does not reach as far as the rate without that loss.
constexpr double kToleratedLowShare = 0.1;
constexpr double kLeastLowShare = 0.02;
// A rate of which so much ends is as good as held.
constexpr double kHeldShare = 0.95;

// The rates that what has ended, or has begun to be answered, is counted for.
constexpr std::string_view kRates[] = {"request_throughput_per_s", "goodput_per_s",
                                       "output_throughput_tokens_per_s", "input_throughput_tokens_per_s"};

// A mean of what is missing of a window, as shares of it.
struct MissingMean {
  double sum = 0, weight = 0, least = 1;
  bool is_of_window = false;  // some of it came from requests that were due in the window

  void add(double share, double of = 1) {
    if (of <= 0) return;
    sum += share * of;
    weight += of;
    least = std::min(least, share);
  }
};
// Of a server's clock, and of its rounding.
constexpr Nanos kToleratedExcess = nanos_from_ms(1);

class Doubts {
 public:
  Doubts(const TrialView& view, const std::vector<Record>& records)
      : view_(view),
        result_(view.result),
        options_(view.options),
        window_(view.window),
        order_(view.order),
        records_(records),
        dispatch_(worst_lag(view.dispatch_lags_ms())) {}

  LoadDoubts take() {
    out_.is_void = result_.lost.has_value() || options_.stamps_are_wrong ||
                   dispatch_.ms > options_.dispatch_lag_budget_ms;
    if (!order_.empty()) {
      connections_busy();
      rate_held();
      long_enough();
      steady();
      failures();
      silence();
      broken_off_early();
      too_few_samples();
      server_timings();
      lost_events();
      usage_below_chunks();
      usage_above_asked();
    } else if (!result_.lost) {
      nothing_measured();
    }
    lateness();
    return std::move(out_);
  }

 private:
  Finding& find(Severity severity, std::string code, std::string text) {
    Finding& finding = out_.findings.emplace_back();
    finding.severity = severity;
    finding.code = std::move(code);
    finding.text = std::move(text);
    finding.evidence = Json::object();
    return finding;
  }

  // A trial that is cut to the time it has may keep no request at all. Whoever looks only at how it ended
  // would take it for one that went well.
  void nothing_measured() {
    find(Severity::kDoubtful, kNothingMeasured,
         "Nothing was measured: no request of this trial was due before its time was over, so that none was "
         "sent. Give it more time (load.max_duration_s; --quick cuts it short), or send more often "
         "(load.rate_per_s).");
  }

  // A limit of the generator's own. Of a share that no percentile shows it is not worth a word.
  void connections_busy() {
    const auto of = static_cast<int64_t>(result_.rows.size() + result_.withdrawn);
    const auto waited = static_cast<int64_t>(result_.waited_for_connection);
    if (static_cast<double>(waited) <= kToleratedErrorRate * static_cast<double>(of)) return;
    out_.are_waits_its_own = true;
    const std::string never =
        result_.withdrawn == 0
            ? ""
            : fmt::format(", {} of them until nothing more was to be sent", result_.withdrawn);
    find(Severity::kDoubtful, kConnectionsBusy,
         fmt::format(
             "Of {} {} waited until one of {} was free{}: a limit of the load generator's own, which is in "
             "every latency that counts from the scheduled instant, and in every rate. They are marked "
             "doubtful. Allow more connections (--max-concurrency, max_connections; ulimit -n).",
             counted(of, "request"), waited, connections(), never))
        .evidence.set("requests", of)
        .set("waited", waited)
        .set("never_sent", static_cast<int64_t>(result_.withdrawn));
  }

  std::string connections() const {
    const int64_t most = options_.conditions["max_connections"].as_integer();
    if (most == 0) return "its connections";
    const bool has_ranks = options_.conditions.find("ranks") != nullptr;
    return fmt::format("at most {}{}", counted(most, "connection"), has_ranks ? " of each rank" : "");
  }

  // The rate is not held if, in the second half of the window, fewer requests ended than came, beyond what
  // chance does to those that are under way.
  void rate_held() {
    if (window_.is_burst || out_.is_void) return;
    const Nanos middle = window_.start + (window_.rates_end - window_.start) / 2;
    int64_t offered = 0, offered_late = 0, ended_late = 0, out_at_middle = 0, good = 0, broken_off = 0;
    for (const RequestRow* row : order_) {
      const bool is_late = row->scheduled > middle && row->scheduled <= window_.rates_end;
      offered_late += is_late ? 1 : 0;
      offered += view_.in_rates(row->scheduled) ? 1 : 0;
      broken_off += view_.in_rates(row->scheduled) && was_broken_off(*row) ? 1 : 0;
      good += view_.in_rates(row->end) && view_.is_good(*row) ? 1 : 0;
      ended_late += row->end > middle && row->end <= window_.rates_end ? 1 : 0;
      out_at_middle += row->scheduled <= middle && row->end > middle ? 1 : 0;
    }
    const int64_t shortfall = offered_late - ended_late;
    const bool is_beyond_chance = static_cast<double>(shortfall) >
                                  3 * std::sqrt(static_cast<double>(std::max<int64_t>(out_at_middle, 1))) + 2;
    if (static_cast<double>(ended_late) >= kHeldShare * static_cast<double>(offered_late) ||
        !is_beyond_chance)
      return;
    // Requests that take long, or come in bursts, may end late on the fastest target, too: latencies that
    // grow show that it falls behind.
    if (!do_latencies_grow(middle)) return;
    const bool is_blocker = 2 * good < offered - broken_off && !out_.are_waits_its_own;
    Finding& finding = find(
        is_blocker ? Severity::kBlocker : Severity::kDoubtful, kRateNotHeld,
        fmt::format("{} {} requests/s: in the second half of the window {} came and {} ended. "
                    "Latencies grow with the length of the trial; goodput is {} requests/s.",
                    out_.are_waits_its_own ? fmt::format("Through {} the target was not given", connections())
                                           : std::string("The target does not hold"),
                    format_number(static_cast<double>(offered) / window_.rates_s()), offered_late, ended_late,
                    format_number(static_cast<double>(good) / window_.rates_s())));
    finding.evidence.set("offered_per_s", static_cast<double>(offered) / window_.rates_s());
    finding.evidence.set("goodput_per_s", static_cast<double>(good) / window_.rates_s());
    finding.evidence.set("second_half_arrived", offered_late).set("second_half_ended", ended_late);
  }

  // A rate counts what happens in the window. What happens a delay after a request came is missing for that
  // delay at the beginning, when no requests of before are under way, and is not made up at the end: of the
  // rate of a target that keeps up, the mean over all that is counted of delay ÷ window. What came before a
  // warm-up that was cut fills the window by as much. A closed loop sends again when an answer has ended: its
  // users begin together, so that what happens in the first half of each turn comes even too often.
  void long_enough() {
    if (window_.is_burst || result_.lost || window_.rates_s() <= 0) return;
    const bool is_held = std::ranges::none_of(
        out_.findings, [](const Finding& finding) { return finding.code == kRateNotHeld; });
    for (const Record& record : records_) {
      const bool is_rate = std::ranges::find(kRates, record.metric) != std::end(kRates);
      if (!is_rate || !record.value) continue;
      const std::string& name = record.conditions["traffic_class"].as_string();
      const MissingMean missing = missing_of(record.metric, name);
      if (missing.weight <= 0) continue;
      // Where a queue grows for as long as the trial lasts, only the first answers tell when work began to
      // end.
      double share = is_held ? missing.sum / missing.weight : missing.least;
      // Of what came in the window all that it counts lies after it; or none of that came there.
      if (*record.value <= 0 && !missing.is_of_window) continue;
      if (*record.value <= 0) share = 1;
      const bool is_outside = record.ci_high && share < 1 && *record.value / (1 - share) > *record.ci_high &&
                              share >= kLeastLowShare;
      if (share >= kToleratedLowShare || is_outside) out_.low_rates.push_back({record.metric, name, share});
    }
    if (!out_.low_rates.empty()) short_window();
  }

  // Of the window, for how long what `metric` counts could not be seen yet.
  MissingMean missing_of(std::string_view metric, const std::string& traffic_class) const {
    MissingMean missing;
    const double window_ns = window_.rates_s() * 1e9;
    const int64_t lead = std::max<int64_t>(0, (window_.start - order_.front()->scheduled).count);
    for (const RequestRow* row : order_) {
      if (traffic_class != "all" && options_.classes[row->class_index].name != traffic_class) continue;
      const double weight_before = missing.weight;
      const double turn_ns =
          is_of_closed_loop(*row) ? static_cast<double>((row->end - row->scheduled).count) : 0;
      const auto share = [&](int64_t delay_ns) {
        const double missing_ns = static_cast<double>(delay_ns - lead) - turn_ns / 2;
        return std::clamp(missing_ns / window_ns, turn_ns > 0 && lead == 0 ? -1.0 : 0.0, 1.0);
      };
      const RequestKindRow& kind = kind_of(*row);
      if (metric == "output_throughput_tokens_per_s") {
        if (!kind.streams) continue;
        for (uint64_t i = row->first_chunk; i < row->first_chunk + row->chunks; ++i)
          missing.add(share(result_.chunk_at_ns[i] - row->scheduled.count), result_.chunk_tokens[i]);
      } else if (metric == "input_throughput_tokens_per_s") {
        if (row->first.count != 0 && kind.counts_prompt)
          missing.add(share((row->first - row->scheduled).count), row->prompt_tokens);
      } else if (ended_well(*row) && (metric != "goodput_per_s" || view_.is_good(*row))) {
        missing.add(share((row->end - row->scheduled).count));
      }
      const bool is_in_window = row->scheduled >= window_.start && row->scheduled < window_.rates_end;
      missing.is_of_window |= is_in_window && missing.weight > weight_before;
    }
    return missing;
  }

  const RequestKindRow& kind_of(const RequestRow& row) const {
    return row_of(options_.classes[row.class_index].request.kind_or(RequestKind::kChat));
  }

  bool is_of_closed_loop(const RequestRow& row) const {
    const std::optional<Arrivals>& own = options_.classes[row.class_index].arrivals;
    return own ? own->kind == Arrivals::Kind::kClosed
               : options_.rate_conditions["arrivals"].as_string() == name_of(Arrivals::Kind::kClosed);
  }

  void short_window() {
    // Class by class the largest; each record has its own share (too_low_share).
    std::vector<std::pair<std::string, double>> classes;
    for (const LowRate& low : out_.low_rates) {
      if (low.traffic_class == "all" && options_.classes.size() == 1) continue;  // the same once more
      if (classes.empty() || classes.back().first != low.traffic_class)
        classes.emplace_back(low.traffic_class, 0);
      classes.back().second = std::max(classes.back().second, low.share);
    }
    std::string words;
    double most = 0;
    for (const auto& [name, share] : classes) {
      most = std::max(most, share);
      words += fmt::format("{}{} % ({})", words.empty() ? "" : ", ", std::lround(100 * share), name);
    }
    find(
        Severity::kDoubtful, "load.short-window",
        fmt::format(
            "The window over which rates are taken, {}, is short against the answers, which take {} in the "
            "median and {} in the mean: at its beginning none was under way, so that rates are too low by up "
            "to about {}. They are marked doubtful. A longer trial tells more (load.requests_per_class, "
            "load.max_duration_s).",
            format_duration(window_.rates_s()), format_duration(median_e2e_ms() / 1e3),
            format_duration(mean_e2e_ms() / 1e3), words))
        .evidence.set("e2e_ms_p50", median_e2e_ms())
        .set("e2e_ms_mean", mean_e2e_ms())
        .set("window_s", window_.rates_s())
        .set("too_low_share_max", most);
  }

  double mean_e2e_ms() const {
    double sum = 0, n = 0;
    for (const RequestRow* row : order_) {
      if (!ended_well(*row)) continue;
      sum += e2e_ms(*row);
      ++n;
    }
    return n > 0 ? sum / n : 0;
  }

  // Of those that ended well; 0 if none did.
  double median_e2e_ms() const {
    std::vector<double> lengths;
    for (const RequestRow* row : order_) {
      if (ended_well(*row)) lengths.push_back(e2e_ms(*row));
    }
    std::ranges::sort(lengths);
    return lengths.empty() ? 0 : sorted_quantile(lengths, 0.5);
  }

  // By half between the first and the second half of the window: a queue shows in the one, a full batch in
  // the other.
  bool do_latencies_grow(Nanos middle) const {
    std::vector<double> ttft[2], tpot[2], e2e[2];
    for (const RequestRow* row : order_) {
      if (!view_.in_rates(row->scheduled) || !ended_well(*row)) continue;
      const size_t half = row->scheduled > middle ? 1 : 0;
      ttft[half].push_back(ttft_ms(*row));
      e2e[half].push_back(e2e_ms(*row));
      if (has_tpot(*row)) tpot[half].push_back(tpot_ms(*row));
    }
    const auto grows = [](std::vector<double>* halves) {
      if (halves[0].empty()) return false;
      if (halves[1].empty()) return true;  // what came later did not end at all
      std::ranges::sort(halves[0]);
      std::ranges::sort(halves[1]);
      return sorted_quantile(halves[1], 0.5) > 1.5 * sorted_quantile(halves[0], 0.5);
    };
    return grows(ttft) || grows(e2e) || (!tpot[1].empty() && grows(tpot));
  }

  // Unless the rate was not held, which says the same and why.
  void steady() {
    const bool is_told = std::ranges::any_of(
        out_.findings, [](const Finding& finding) { return finding.code == kRateNotHeld; });
    if (window_.is_burst || window_.is_steady || is_told || result_.lost) return;
    find(Severity::kNote, "load.not-steady",
         window_.is_settled
             ? fmt::format("Part of the warm-up counts, since a class would have had fewer than {} "
                           "without it: the latencies are those of a server that is not quite warm. A longer "
                           "trial cuts it off (load.requests_per_class).",
                           counted(options_.wanted_per_class, "request"))
             : std::string(
                   "No steady state was seen: times to first token went on changing, or there were too "
                   "few requests to tell. The latencies depend on the length of the trial; a longer one "
                   "tells more (load.requests_per_class)."));
  }

  void failures() {
    int64_t failed = 0;
    std::string causes;
    Json evidence = Json::object();
    for (size_t i = 1; i < kFailureCauses; ++i) {
      const auto cause = static_cast<FailureCause>(i);
      if (cause == FailureCause::kCancelledByPlan) continue;
      const auto n = std::ranges::count(result_.rows, cause, &RequestRow::failure);
      if (n == 0) continue;
      failed += n;
      const std::string example = printable(result_.failure_examples[i]);
      causes += fmt::format("{}{} {}{}", causes.empty() ? "" : "; ", n, name_of(cause),
                            example.empty() ? "" : fmt::format(", the first: {}", example));
      evidence.set(std::string(name_of(cause)), static_cast<int64_t>(n));
    }
    if (failed == 0) return;
    const double share = static_cast<double>(failed) / static_cast<double>(result_.rows.size());
    Finding& finding =
        find(share > kToleratedErrorRate ? Severity::kDoubtful : Severity::kNote, "load.failures",
             fmt::format("{} of {} failed. Latencies are those of the others. {}.", failed,
                         counted(static_cast<int64_t>(result_.rows.size()), "request"), causes));
    finding.evidence = std::move(evidence);
  }

  // A server that goes in the midst of a load and does not come back, whoever answers in its place.
  void silence() {
    // Where every other request fails, so many in a row at the end come by chance once in a thousand trials.
    constexpr int64_t kEnough = 10;
    constexpr double kMostBefore = 0.5;
    int64_t last_end_ns = 0, before = 0, failed_before = 0, after = 0;
    for (const RequestRow& row : result_.rows) {
      if (ended_well(row)) last_end_ns = std::max(last_end_ns, row.end.count);
    }
    if (last_end_ns == 0) return;  // it never answered, which is another thing
    for (const RequestRow& row : result_.rows) {
      if (was_broken_off(row)) continue;
      if (row.failure == FailureCause::kCancelled) return;  // its user ended the trial
      const bool is_after = row.scheduled.count > last_end_ns;
      after += is_after ? 1 : 0;
      before += is_after ? 0 : 1;
      failed_before += !is_after && !ended_well(row) ? 1 : 0;
    }
    if (after < kEnough || static_cast<double>(failed_before) > kMostBefore * static_cast<double>(before))
      return;
    find(Severity::kBlocker, "load.went-silent",
         fmt::format("The last good answer ended {} after the start: all {} that came later failed.",
                     format_duration(seconds(Nanos(last_end_ns))), counted(after, "request")))
        .evidence.set("last_answer_s", seconds(Nanos(last_end_ns)))
        .set("requests_after", after);
  }

  // Their times to first token would have been among the longest.
  void broken_off_early() {
    const auto early = std::ranges::count_if(
        result_.rows, [](const RequestRow& row) { return was_broken_off(row) && row.first.count == 0; });
    if (static_cast<double>(early) <= kToleratedErrorRate * static_cast<double>(result_.rows.size())) return;
    find(
        Severity::kNote, "load.cancelled-early",
        fmt::format(
            "Of {} {} broken off by plan before the first token came: times to first token are those of the others, and "
            "would be longer with them (cancel_after_ms).",
            counted(static_cast<int64_t>(result_.rows.size()), "request"), counted(early, "was", "were")))
        .evidence.set("cancelled_before_first_token", static_cast<int64_t>(early));
  }

  // Answers that come at once have the end as their only latency.
  bool is_measure_of(const Record& record) const {
    const std::string& name = record.conditions["traffic_class"].as_string();
    bool streams = name == "all";
    for (const TrafficClass& c : options_.classes)
      streams = streams || (c.name == name && row_of(c.request.kind_or(RequestKind::kChat)).streams);
    return record.metric == (streams ? "ttft_ms_p90" : "e2e_ms_p90");
  }

  void too_few_samples() {
    std::string classes;
    Json evidence = Json::object();
    for (const Record& record : records_) {
      if (record.validity != Validity::kInsufficient || !is_measure_of(record)) continue;
      const std::string& name = record.conditions["traffic_class"].as_string();
      classes += fmt::format("{}{} ({})", classes.empty() ? "" : ", ", name, record.n);
      evidence.set(name, record.n);
    }
    if (classes.empty()) return;
    find(Severity::kNote, "load.too-few-samples",
         fmt::format("Too few requests ended well in the window for a 90th percentile, which takes {}: {}.",
                     samples_needed(0.9), classes))
        .evidence = std::move(evidence);
  }

  // What a server says of itself must fit into what was seen of it: from the sending to the first token.
  void server_timings() {
    int64_t told = 0, impossible = 0;
    double worst_ms = 0;
    for (const RequestRow* row : order_) {
      if (!ended_well(*row) || row->server_prompt.count == 0) continue;
      ++told;
      const Nanos excess = row->server_prompt - (row->first - std::max(row->sent, row->scheduled));
      if (excess <= kToleratedExcess) continue;
      ++impossible;
      worst_ms = std::max(worst_ms, milliseconds(excess));
    }
    if (impossible == 0) return;
    find(
        Severity::kNote, "load.server-timings",
        fmt::format(
            "The server says of {} of {} that the prompt took longer than passed from the sending to the first token, by "
            "up to {} ms: its own timing is not to be believed.",
            impossible, counted(told, "request"), format_number(worst_ms)))
        .evidence.set("impossible", impossible)
        .set("told", told)
        .set("excess_ms_max", worst_ms);
  }

  void lost_events() {
    if (result_.dropped_chunks > 0) {
      find(Severity::kNote, "load.more-than-asked",
           fmt::format(
               "{} came beyond the output that was asked for: it counts, but without stamps of its own.",
               counted(static_cast<int64_t>(result_.dropped_chunks), "chunk")));
    }
    if (result_.stray_events > 0) {
      find(Severity::kNote, "load.stray-events",
           fmt::format("{} came for requests that were unknown or had ended, and counted for nothing.",
                       counted(static_cast<int64_t>(result_.stray_events), "event")));
    }
  }

  // A chunk with text is a token at least. Chunks of answers without usage are counted by themselves, so that
  // these never have more.
  void usage_below_chunks() {
    int64_t answers = 0, below = 0, chunks = 0, told = 0;
    for (const RequestRow* row : order_) {
      if (!ended_well(*row) || row->output_tokens == 0) continue;
      ++answers;
      if (row->chunks <= row->output_tokens) continue;
      ++below;
      chunks += row->chunks;
      told += row->output_tokens;
    }
    if (below == 0) return;
    const double share = static_cast<double>(below) / static_cast<double>(answers);
    find(
        share > kToleratedErrorRate ? Severity::kDoubtful : Severity::kNote, "load.usage-below-chunks",
        fmt::format(
            "In {} of {} the server's usage counts fewer tokens than chunks with output came: {} against {}. A chunk "
            "holds a token at least, unless something on the way cuts tokens into pieces, or usage leaves a part out "
            "(reasoning, calls of tools): n is then too small, TPOT too long and output tokens/s too low. With the model's "
            "tokenizer (--tokenizer) the texts themselves tell.",
            below, counted(answers, "answer"), told, chunks))
        .evidence.set("answers", answers)
        .set("answers_below_chunks", below)
        .set("output_told", told)
        .set("chunks", chunks);
  }

  // Unless the class sets the limit by itself, or asks for several answers at once.
  bool has_limit_of_ours(const RequestRow& row) const {
    const Json& parameters = options_.classes[row.class_index].request.parameters;
    return std::ranges::none_of(
        std::array{"max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"},
        [&](const char* name) { return parameters.find(name) != nullptr; });
  }

  void usage_above_asked() {
    int64_t answers = 0, above = 0, asked = 0, told = 0;
    for (const RequestRow* row : order_) {
      if (!ended_well(*row) || row->asked_tokens == 0 || !has_limit_of_ours(*row)) continue;
      ++answers;
      if (row->output_tokens <= row->asked_tokens) continue;
      ++above;
      asked += row->asked_tokens;
      told += row->output_tokens;
    }
    if (above == 0) return;
    const double share = static_cast<double>(above) / static_cast<double>(answers);
    find(
        share > kToleratedErrorRate ? Severity::kDoubtful : Severity::kNote, "load.usage-above-asked",
        fmt::format(
            "In {} of {} the server's usage counts more tokens than it was allowed to make (max_tokens): {} against "
            "{}. Either it counts what it did not make, and TPOT and output tokens/s are too good by as much, or it does not "
            "keep the limit. With the model's tokenizer (--tokenizer) the texts themselves tell.",
            above, counted(answers, "answer"), told, asked))
        .evidence.set("answers", answers)
        .set("answers_above_asked", above)
        .set("output_told", told)
        .set("asked", asked);
  }

  // Of the requests that were scheduled for the same instant, the largest number.
  size_t most_due_at_once() const {
    std::vector<Nanos> due;
    for (const RequestRow& row : result_.rows) due.push_back(row.scheduled);
    std::ranges::sort(due);
    size_t most = 0, run = 0;
    for (size_t i = 0; i < due.size(); ++i) {
      run = i > 0 && due[i] == due[i - 1] ? run + 1 : 1;
      most = std::max(most, run);
    }
    return most;
  }

  void lateness() {
    const double budget_ms = options_.dispatch_lag_budget_ms;
    const WorstLag& dispatch = dispatch_;
    const WorstLag send = worst_lag(view_.send_lags_ms());
    if (dispatch.ms > budget_ms) {
      const size_t at_once = most_due_at_once();
      const std::string remedy =
          2 * at_once > result_.rows.size()
              ? fmt::format(
                    "{} of its requests are due at one instant, and each waits until those before it "
                    "are sent: users who begin one after another (--max-concurrency {}, arrivals = "
                    "\"closed\") wait for nobody.",
                    at_once, at_once)
              : "Offer less, leave this machine a core, or run the load from several machines.";
      find(Severity::kDoubtful, "load.generator-late",
           fmt::format(
               "The load generator was late: dispatch lag {} {} ms, budget {} ms. The trial is void. {}",
               dispatch.statistic, format_number(dispatch.ms), format_number(budget_ms), remedy))
          .evidence.set("dispatch_lag_ms", dispatch.ms)
          .set("budget_ms", budget_ms)
          .set(kVoidsTrial, true);
    } else if (send.ms > budget_ms && !out_.are_waits_its_own) {
      find(
          Severity::kNote, "load.sent-late",
          fmt::format(
              "Requests left up to {} ({}) after their time though the load generator was not late (dispatch lag "
              "{} ms): they waited for a connection to be made. Latencies count that.",
              format_duration(send.ms / 1000), send.statistic, format_number(dispatch.ms)))
          .evidence.set("send_lag_ms", send.ms)
          .set("dispatch_lag_ms", dispatch.ms);
    }
  }

  const TrialView& view_;
  const LoadResult& result_;
  const SummaryOptions& options_;
  const LoadWindow& window_;
  const std::vector<const RequestRow*>& order_;
  const std::vector<Record>& records_;
  const WorstLag dispatch_;
  LoadDoubts out_;
};

}  // namespace

LoadDoubts doubts_of(const TrialView& view, const std::vector<Record>& records) {
  return Doubts(view, records).take();
}

}  // namespace assay
