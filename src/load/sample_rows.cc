// Samples as rows; see sample_rows.h.
#include "load/sample_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "workload/workload.h"

namespace assay {
namespace {

const Columns* find(const std::vector<Sample>& samples, std::string_view name) {
  for (const Sample& sample : samples) {
    if (sample.name == name) return &sample.columns;
  }
  return nullptr;
}

}  // namespace

int64_t SampleRows::at(const char* column, size_t row) const {
  const std::vector<int64_t>* values = requests_.integers(column);
  return values != nullptr && row < values->size() ? (*values)[row] : 0;
}

std::optional<int64_t> SampleRows::server(size_t row) const {
  return requests_.integers("server") == nullptr ? std::nullopt : std::optional(at("server", row));
}

int64_t SampleRows::instant_ns(const char* column, size_t row) const {
  const int64_t at_ns = at(column, row);
  return at_ns == 0 ? 0 : start_ns_ + at_ns;
}

std::string SampleRows::class_name(size_t row) const {
  const int64_t index = at("class", row);
  const bool is_known = index >= 0 && static_cast<size_t>(index) < classes_.items().size();
  return is_known ? classes_.items()[static_cast<size_t>(index)].as_string() : fmt::format("{}", index);
}

std::string SampleRows::outcome(size_t row) const {
  const int64_t cause = at("failure", row);
  if (cause == 0) return "ok";
  const bool is_known = cause > 0 && cause <= static_cast<int64_t>(kLastFailureCause);
  return is_known ? std::string(name_of(static_cast<FailureCause>(cause))) : "unknown";
}

std::span<const int64_t> SampleRows::chunks_of(size_t row, size_t& first_chunk) const {
  const auto wanted = static_cast<size_t>(std::max<int64_t>(0, at("chunks", row)));
  const size_t begin = std::min(first_chunk, chunk_at_ns_.size());
  const size_t count = std::min(wanted, chunk_at_ns_.size() - begin);
  first_chunk = begin + count;
  return chunk_at_ns_.subspan(begin, count);
}

bool is_void(const DossierContent& content, const Trial& trial) {
  return std::ranges::any_of(content.records, [&](const Record& record) {
    return record.trial_id == trial.id && record.validity == Validity::kVoid;
  });
}

std::optional<SampleRows> sample_rows(const Trial& trial, const std::vector<Sample>& samples) {
  const Columns* requests = find(samples, "requests");
  if (trial.exam != "load" || requests == nullptr) return std::nullopt;
  SampleRows rows(trial.parameters["classes"], *requests);
  const Columns* chunks = find(samples, "chunks");
  const std::vector<int64_t>* at_ns = chunks == nullptr ? nullptr : chunks->integers("at_ns");
  if (at_ns != nullptr) rows.chunk_at_ns_ = *at_ns;
  const Columns* clock = find(samples, "clock");
  for (const auto& [name, value] : {std::pair{"start_ns", &SampleRows::start_ns_},
                                    std::pair{"wall_offset_ns", &SampleRows::wall_offset_ns_}}) {
    const std::vector<int64_t>* told = clock == nullptr ? nullptr : clock->integers(name);
    if (told != nullptr && !told->empty()) rows.*value = told->front();
  }
  return rows;
}

}  // namespace assay
