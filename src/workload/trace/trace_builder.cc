// Gathers rows; see trace_builder.h.
#include "workload/trace/trace_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay {
namespace {

constexpr int64_t kMaxSpanNs = int64_t{366} * 86'400 * 1'000'000'000;
constexpr int64_t kLastNs = int64_t{9'000'000'000} * 1'000'000'000;  // of what 64 bits hold, with room above

uint32_t scaled_tokens(double tokens, double factor) {
  return static_cast<uint32_t>(std::clamp(std::round(tokens * factor), 1.0, static_cast<double>(kMaxTokens)));
}

bool is_traced_length(double tokens) {
  return tokens >= 0 && tokens <= static_cast<double>(kMaxTokens);
}

}  // namespace

std::optional<int64_t> trace_nanos(double value, double ns_per_unit) {
  const double ns = value * ns_per_unit;
  if (!(ns >= 0 && ns < static_cast<double>(kLastNs))) return std::nullopt;
  return std::llround(ns);
}

TraceBuilder::TraceBuilder(const TraceOptions& options, uint32_t block_tokens)
    : options_(options), block_tokens_(options.block_tokens > 0 ? options.block_tokens : block_tokens) {}

// Either every session begins at an instant, or none does.
std::string TraceBuilder::check_instant(const TraceRow& row, bool is_first_turn) {
  if (rows_.empty()) has_instants_ = row.at_ns.has_value();
  if (is_first_turn && row.at_ns.has_value() != has_instants_)
    return has_instants_ ? "no instant, which the rows before have"
                         : "an instant, which the rows before lack";
  if (!has_instants_ || !row.at_ns) return "";
  const int64_t first = rows_.empty() ? *row.at_ns : rows_.front().at_ns;
  // Neither is negative: the difference fits.
  return std::abs(*row.at_ns - first) > kMaxSpanNs ? "more than a year from the first row" : "";
}

std::string TraceBuilder::add(const TraceRow& row) {
  for (const double tokens : {row.prompt_tokens, row.output_tokens}) {
    if (!is_traced_length(tokens))
      return fmt::format("not a number of tokens from 0 to {}: {}", kMaxTokens, tokens);
  }
  const auto known = row.has_session ? sessions_.find(row.session) : sessions_.end();
  const bool is_first_turn = known == sessions_.end();
  std::string problem = check_instant(row, is_first_turn);
  if (!problem.empty()) return problem;
  if (row.pause_ns && (*row.pause_ns < 0 || *row.pause_ns > kMaxSpanNs)) return "a pause of more than a year";

  Kept kept{.pause_ns = row.pause_ns.value_or(is_first_turn || row.at_ns ? -1 : 0)};
  kept.prompt_tokens = scaled_tokens(row.prompt_tokens, options_.scaling.length);
  kept.output_tokens = scaled_tokens(row.output_tokens, options_.scaling.length);
  kept.session = is_first_turn ? static_cast<uint32_t>(sessions_reached_.size()) : known->second;
  // A turn without an instant of its own stands where its session has come to.
  const int64_t reached_ns = is_first_turn ? 0 : sessions_reached_[kept.session];
  kept.at_ns = has_instants_ && row.at_ns
                   ? *row.at_ns
                   : std::min(reached_ns, kLastNs) + std::max<int64_t>(kept.pause_ns, 0);
  // Ids of blocks that the prompt does not reach say nothing.
  const auto reached = static_cast<size_t>(std::ceil(row.prompt_tokens / block_tokens_));
  if (!prefixes_.add(row.blocks.first(std::min(reached, row.blocks.size())), kept.prefix))
    return fmt::format("more than {} different blocks up to here", PrefixTreeBuilder::kMaxIds);
  if (is_first_turn) {
    if (row.has_session) sessions_.emplace(row.session, kept.session);
    starts_.push_back(kept.at_ns);
    sessions_reached_.push_back(kept.at_ns);
  } else {
    sessions_reached_[kept.session] = kept.at_ns;
  }
  rows_.push_back(kept);
  return "";
}

// The rows by the start of their session, then as they came.
std::vector<uint32_t> TraceBuilder::in_order() const {
  std::vector<uint32_t> order(rows_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [this](uint32_t row) {
    return std::pair(starts_[rows_[row].session], rows_[row].session);
  };
  if (!std::ranges::is_sorted(order, {}, key)) std::ranges::stable_sort(order, {}, key);
  return order;
}

Nanos TraceBuilder::scaled_time(int64_t ns) const {
  // Slowed down a million times, a year does not fit any more.
  return Nanos(static_cast<int64_t>(std::min(static_cast<double>(ns) / options_.scaling.rate, 9e18)));
}

Result<Trace> TraceBuilder::finish(std::string_view where) {
  if (rows_.empty()) return fail("the trace has no requests", std::string(where));
  Trace trace;
  if (!prefixes_.empty()) {
    std::vector<uint32_t> ends;
    ends.reserve(rows_.size());
    for (const Kept& row : rows_) ends.push_back(row.prefix);
    PrefixTree tree = prefixes_.finish(block_tokens_ * options_.scaling.length, ends);
    prefixes_ = PrefixTreeBuilder();
    for (size_t i = 0; i < ends.size(); ++i) rows_[i].prefix = ends[i];
    if (tree.nodes() > 1) trace.prefixes = std::make_shared<const PrefixTree>(std::move(tree));
  }
  trace.has_instants = has_instants_;
  trace.entries.reserve(rows_.size());
  const int64_t first = *std::ranges::min_element(starts_);
  const Kept* before = nullptr;
  for (const uint32_t index : in_order()) {
    const Kept& row = rows_[index];
    const bool is_first_turn = before == nullptr || before->session != row.session;
    TraceEntry entry{
        .prompt_tokens = row.prompt_tokens, .output_tokens = row.output_tokens, .prefix = row.prefix};
    entry.turn = is_first_turn ? 0 : trace.entries.back().turn + 1;
    if (is_first_turn) {
      entry.offset = scaled_time(row.at_ns - first);
    } else {
      entry.offset =
          scaled_time(row.pause_ns >= 0 ? row.pause_ns : std::max<int64_t>(0, row.at_ns - before->at_ns));
    }
    trace.entries.push_back(entry);
    before = &row;
  }
  return trace;
}

}  // namespace assay
