// The table of export formats; see exports.h.
#include "load/exports/exports.h"

#include "load/exports/aiperf_file.h"
#include "load/exports/guidellm_file.h"
#include "load/exports/vllm_file.h"

namespace assay {
namespace {

constexpr ExportFormat kFormats[] = {
    {"aiperf", "profile_export_aiperf.json of AIPerf, or its profile_export.jsonl where FILE ends in .jsonl",
     write_aiperf_file},
    {"guidellm", "benchmarks.json of GuideLLM", write_guidellm_file},
    {"vllm", "the result file of `vllm bench serve`", write_vllm_file},
};

}  // namespace

std::span<const ExportFormat> export_formats() {
  return kFormats;
}

const ExportFormat* find_export_format(std::string_view name) {
  for (const ExportFormat& format : kFormats) {
    if (name == format.name) return &format;
  }
  return nullptr;
}

}  // namespace assay
