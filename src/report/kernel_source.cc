// Names of kernels' sources; see kernel_source.h.
#include "report/kernel_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "report/values.h"

namespace assay {

std::string kernels_of(const Record& record) {
  std::string library = condition(record, "library");
  return library.empty() ? condition(record, "kernels_of") : library;
}

std::string short_kernels_of(const Record& record) {
  constexpr size_t kMost = 16;
  std::string name = kernels_of(record);
  if (const size_t through = name.find(" through "); through != std::string::npos) name.resize(through);
  // "PyTorch 2.13.0+cu130": the version stands in the tables.
  if (const size_t version = name.find_first_of("0123456789");
      version != std::string::npos && version > 1 && name[version - 1] == ' ')
    name.resize(version - 1);
  return cut(name, kMost);
}

bool has_kit(const DossierContent& content, int64_t subject_id) {
  return std::ranges::any_of(content.records, [&](const Record& record) {
    return record.subject_id == subject_id && record.conditions.find("library") != nullptr;
  });
}

std::string counted_by_source(const std::vector<const Record*>& records) {
  std::vector<std::pair<std::string, int64_t>> counts;
  for (const Record* record : records) {
    const std::string source = kernels_of(*record);
    const auto found = std::ranges::find(counts, source, &std::pair<std::string, int64_t>::first);
    if (found != counts.end())
      ++found->second;
    else
      counts.emplace_back(source, 1);
  }
  std::vector<std::string> parts;
  for (const auto& [source, count] : counts)
    parts.push_back(fmt::format("{} of {}", count, source.empty() ? "an unnamed library" : source));
  return join(parts, ", ");
}

}  // namespace assay
