// What inference servers tell of themselves in Prometheus' format, in assay's own words: one table from the
// names of vLLM, SGLang, llama.cpp and TGI to quantities that mean the same of each. Pure and thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/base.h"
#include "measure/prometheus_text.h"

namespace assay {

// What is known of a server at one instant. Totals are since the server began.
enum class ServerQuantity {
  kRunning,            // requests that it works on
  kWaiting,            // requests that it has taken and does not work on yet
  kKvUsage,            // share of the KV cache in use, 0 … 1
  kPrefixHits,         // total: tokens found in the prefix cache
  kPrefixQueries,      // total: tokens looked for in it
  kPrefixHitRate,      // the same as a share, of engines that tell no totals
  kPreemptions,        // total: requests that lost their place
  kPromptTokens,       // total: tokens of prompts worked on
  kOutputTokens,       // total: tokens generated
  kOutputTokensPerS,   // the same as a rate, of engines that tell no total
  kQueueTimeS,         // total: seconds that requests waited before they were worked on
  kQueueTimeRequests,  // total: how many requests those were
};
inline constexpr size_t kServerQuantities = static_cast<size_t>(ServerQuantity::kQueueTimeRequests) + 1;

// How a quantity is joined over the series of one name: engines and their ranks.
enum class SeriesJoin { kSum, kMean };

struct ServerQuantityRow {
  ServerQuantity quantity;
  const char* name;  // of its column among the samples of a trial: "running"
  SeriesJoin join;
};
// In the order of the enum.
std::span<const ServerQuantityRow> server_quantities();
const ServerQuantityRow& row_of(ServerQuantity quantity);

struct KnownServerMetric {
  const char* name;    // of the sample: "vllm:num_requests_running"
  const char* engine;  // who says so
  ServerQuantity quantity;
};
// Where several of them mean one quantity and a server has more than one, the first counts.
std::span<const KnownServerMetric> known_server_metrics();

// The quantities of one answer; nothing where the server does not tell them.
struct ServerReading {
  std::array<std::optional<double>, kServerQuantities> values;

  std::optional<double> operator[](ServerQuantity quantity) const {
    return values[static_cast<size_t>(quantity)];
  }
  bool empty() const;
};

// What several servers tell, as of one: counts and totals added, shares averaged, as over the series of one
// server. What some of `readings` do not tell is left out, since a part would pass for the whole. Not empty.
ServerReading joined_reading(std::span<const ServerReading> readings);

// Unknown names, NaN, infinities and what is below zero are ignored; so are the series of tensor- and
// pipeline-parallel ranks other than the first, which repeat it, and those of single priorities, which are
// parts of the whole. Fails where `text` is no Prometheus text; `where` names it.
Result<ServerReading> read_server_metrics(std::string_view text, std::string_view where);

}  // namespace assay
