// Reading of llama.cpp's memory lines.
#include "engine/memory_report.h"

#include <charconv>
#include <cmath>

#include "base/base.h"

namespace assay {
namespace {

// The number of MiB that follows `label` in `line`, as bytes; 0 if it is not there or makes no sense.
int64_t mebibytes_after(std::string_view line, std::string_view label) {
  const size_t at = line.find(label);
  if (at == std::string_view::npos) return 0;
  std::string_view rest = line.substr(at + label.size());
  rest = trim(rest.substr(0, rest.find("MiB")));
  const auto value = parse_number(rest);
  if (!value || *value < 0 || *value > 1e9) return 0;
  return static_cast<int64_t>(std::llround(*value * 1024 * 1024));
}

}  // namespace

MemoryReport read_memory_lines(std::string_view log) {
  MemoryReport report;
  for (const std::string_view line : split(log, '\n')) {
    // "llama_kv_cache: size =   90.00 MiB (  4096 cells,  30 layers, …" is right even when nothing is
    // allocated.
    const bool is_state = line.find("cells,") != std::string_view::npos;
    if (is_state && line.find("size = ") != std::string_view::npos)
      report.kv_bytes += mebibytes_after(line, "size = ");
    report.compute_bytes += mebibytes_after(line, "compute buffer size = ");
    report.compute_bytes += mebibytes_after(line, "output buffer size = ");
  }
  return report;
}

}  // namespace assay
