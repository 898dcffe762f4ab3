// The samples of ranks' dossiers, which may have come from anywhere: from hostile numbers to rows, to one
// trial, to its summary. What is taken is within its bounds, and whatever it says can be put together and
// summed up. A number is three bytes: how far the two that follow are shifted, with the highest bit for its
// sign.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/base.h"
#include "load/load.h"

namespace {

using namespace assay;

constexpr const char* kColumns[] = {"id",
                                    "class",
                                    "session",
                                    "turn",
                                    "scheduled_ns",
                                    "dispatched_ns",
                                    "sent_ns",
                                    "admitted_ns",
                                    "first_ns",
                                    "first_output_ns",
                                    "last_ns",
                                    "end_ns",
                                    "prompt_tokens",
                                    "output_tokens",
                                    "asked_tokens",
                                    "output_told",
                                    "chunks",
                                    "failure",
                                    "server",
                                    "server_prompt_ns",
                                    "server_tpot_ns"};
constexpr size_t kMostRows = 24;
constexpr int64_t kMostChunks = 4096;
constexpr int64_t kMostInstant = int64_t{1} << 60;

class Numbers {
 public:
  Numbers(const uint8_t* data, size_t size) : left_(data, size) {}

  // 0 when nothing is left.
  int64_t next() {
    if (left_.size() < 3) return 0;
    const auto shifted =
        static_cast<int64_t>(static_cast<uint64_t>(left_[1] | left_[2] << 8) << (left_[0] & 0x7f) % 48);
    const int64_t value = (left_[0] & 0x80) != 0 ? -shifted : shifted;
    left_ = left_.subspan(3);
    return value;
  }
  std::vector<int64_t> next(size_t count) {
    std::vector<int64_t> values(count);
    std::ranges::generate(values, [this] { return next(); });
    return values;
  }

 private:
  std::span<const uint8_t> left_;
};

// Of one rank. Chunks are as many as its requests say, so that what follows is reached.
std::vector<Sample> samples_of(Numbers& numbers, size_t rows, bool has_all) {
  std::vector<Sample> samples(2);
  samples[0].name = "requests";
  int64_t chunks = 0;
  for (const std::string_view name : kColumns) {
    // What only some dossiers have.
    if (!has_all && (name == "asked_tokens" || name == "output_told" || name.starts_with("server"))) continue;
    std::vector<int64_t> values = numbers.next(rows);
    if (name == "chunks") {
      for (const int64_t value : values) chunks += std::clamp<int64_t>(value, 0, kMostChunks);
    }
    samples[0].columns.add(std::string(name), std::move(values));
  }
  samples[1].name = "chunks";
  const auto count = static_cast<size_t>(std::min(chunks, kMostChunks));
  samples[1].columns.add("at_ns", numbers.next(count));
  samples[1].columns.add("tokens", numbers.next(count));
  return samples;
}

SummaryOptions options() {
  SummaryOptions options;
  options.classes = {{.name = "chat"}, {.name = "vectors"}};
  options.classes[0].slo.ttft_ms = 100;
  options.classes[1].request.kind = RequestKind::kEmbeddings;
  options.conditions = Json::object();
  options.servers = {"http://a", "http://b"};
  options.routes = {{0, 1}, {1}};
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 1 << 14) return 0;
  const size_t rows = data[0] % kMostRows;
  const size_t ranks = 1 + (data[1] & 3);
  const bool has_all = (data[1] & 4) == 0;
  Numbers numbers(data + 2, size - 2);
  SummaryOptions summary = options();
  if (!has_all) {
    summary.servers.clear();
    summary.routes.clear();
  }
  std::vector<RankPart> parts;
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    RankFacts facts{.run = "r", .rank = rank, .ranks = static_cast<uint32_t>(ranks), .host = "h"};
    // Within what RankFacts::from_text takes.
    const auto instant = [&](int64_t least) {
      return Nanos(std::clamp(numbers.next(), least, kMostInstant));
    };
    facts.own_start = instant(-kMostInstant);
    facts.start = instant(-kMostInstant);
    facts.clock.offset = instant(-kMostInstant);
    facts.duration = instant(0);
    auto result = load_result_of(samples_of(numbers, rows, has_all), facts, summary.classes.size(),
                                 summary.servers.size(), "fuzz");
    if (!result) {
      CHECK(!result.error().what.empty());
      return 0;
    }
    for (const RequestRow& row : result->rows)
      CHECK(row.class_index < summary.classes.size() &&
            row.server < std::max<size_t>(1, summary.servers.size()));
    parts.push_back({std::move(facts), std::move(*result)});
  }
  const MergedLoad merged = merge_parts(parts);
  CHECK(merged.result.rows.size() == rows * ranks && merged.ranks.size() == rows * ranks);
  const LoadSummary told = summarise_load(merged.result, summary);
  CHECK(!told.samples.empty());
  return 0;
}
