// See load_dataset.h.
#include "cli/load_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/flag_values.h"
#include "os/os.h"
#include "scenario/scenario.h"
#include "workload/workload.h"

namespace assay {
namespace {

struct DatasetName {
  std::string name;
  std::string format;
  uint32_t block_tokens = 0;
  bool has_instants = true;
};

// Every trace format by its own name, and vLLM's name for Mooncake's layout with blocks of 16.
const std::vector<DatasetName>& dataset_names() {
  static const std::vector<DatasetName> names = [] {
    std::vector<DatasetName> all = {{"auto", "auto"}};
    for (const TraceFormat& format : trace_formats())
      all.push_back({format.name, format.name, 0,
                     std::string_view(format.gives).find("instants") != std::string_view::npos});
    all.push_back({"timed_trace", "mooncake", 16});
    return all;
  }();
  return names;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names = {"random"};
  for (const DatasetName& each : dataset_names()) names.push_back(each.name);
  return names;
}

// Of a format that may have them, and of a file that is known by its content, the file says. One that cannot
// be read is refused with the scenario, where its errors have a place.
bool has_instants_in(const std::string& path, const DatasetName& name, uint32_t requests) {
  const Result<Trace> trace = load_trace({.path = path,
                                          .format = name.format,
                                          .limit = requests,
                                          .scaling = {},
                                          .block_tokens = name.block_tokens,
                                          .key = ""});
  return trace ? trace->has_instants : name.has_instants;
}

}  // namespace

Result<Dataset> dataset_of(const ParsedOptions& options, uint32_t requests) {
  const std::string path = options.value("--dataset-path");
  const std::string given = options.has("--dataset-name") ? options.value("--dataset-name")
                            : path.empty()                ? "random"
                                                          : "auto";
  if (given == "random") {
    if (!path.empty())
      return fail("random lengths come from no file", "--dataset-path", "Leave --dataset-name random out.");
    return Dataset();
  }
  const auto found = std::ranges::find(dataset_names(), given, &DatasetName::name);
  if (found == dataset_names().end()) {
    const std::vector<std::string> known = known_names();
    return fail(fmt::format("unknown dataset '{}'.{}", printable(given, 60), suggestion(given, known)),
                "--dataset-name", fmt::format("Use one of {}.", join(known, ", ")));
  }
  if (path.empty()) return fail("no trace is named", "--dataset-name", "Add --dataset-path FILE.");
  for (const char* flag : {"--input-len", "--output-len"}) {
    if (options.has(flag)) return fail("a trace has lengths of its own", flag, "Leave it out.");
  }
  Dataset dataset{.name = given == "auto" ? "trace" : given,
                  .has_instants = has_instants_in(path, *found, requests)};
  const std::string typed = typed_flag(options, "--dataset-path");
  dataset.keys.add("[load.trace]\n", typed);
  dataset.keys.add(fmt::format("path = {}\n", toml_string(absolute_path(path))), typed);
  dataset.keys.add(fmt::format("format = \"{}\"\nlimit = {}\n", found->format, requests));
  if (found->block_tokens > 0) dataset.keys.add(fmt::format("block_tokens = {}\n", found->block_tokens));
  return dataset;
}

}  // namespace assay
