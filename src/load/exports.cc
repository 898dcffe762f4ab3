// The table of export formats; see exports.h.
#include "load/exports.h"

#include "load/vllm_file.h"

namespace assay {
namespace {

constexpr ExportFormat kFormats[] = {
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
