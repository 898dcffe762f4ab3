// How long a report takes to render from a dossier with 100,000 requests: report_render [REQUESTS_PER_CLASS]
// [CHUNKS]. Writes a synthetic dossier (two devices, six classes, the mix and each class alone) into a fresh
// folder, renders it five times in each form, and prints the median. The dossier's own writing is not
// counted.
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "os/os.h"
#include "report/report.h"
#include "sample_dossier.h"

namespace assay {
namespace {

constexpr int kRepetitions = 5;

Result<void> measure(const char* form, const Dossier& dossier,
                     const std::function<Result<std::string>(const Dossier&)>& render) {
  std::vector<double> times_s;
  size_t bytes = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    const Nanos start = SystemClock().now();
    ASSIGN_OR_RETURN(const std::string text, render(dossier));
    times_s.push_back(seconds(SystemClock().now() - start));
    bytes = text.size();
  }
  std::sort(times_s.begin(), times_s.end());
  fmt::print("{:<10}{:>10}  ({} … {})  {}\n", form, format_duration(times_s[kRepetitions / 2]),
             format_duration(times_s.front()), format_duration(times_s.back()),
             format_bytes(static_cast<int64_t>(bytes)));
  return {};
}

Result<void> run(const std::string& folder, const SampleDossierOptions& options) {
  const std::string path = folder + "/large.dossier";
  RETURN_IF_ERROR(write_sample_dossier(path, options));
  ASSIGN_OR_RETURN(const Dossier dossier, Dossier::open_read_only(path));
  ASSIGN_OR_RETURN(const int64_t bytes, file_size(path));
  fmt::print(
      "{} requests in the mixes and alone, {} chunks each, dossier of {}; median of {} (least … most)\n",
      24 * options.requests_per_class, options.chunks_per_request, format_bytes(bytes), kRepetitions);
  RETURN_IF_ERROR(measure("html", dossier, render_html));
  RETURN_IF_ERROR(measure("markdown", dossier, render_markdown));
  return measure("json", dossier, render_json);
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) {
  assay::SampleDossierOptions options{.requests_per_class = 4167, .chunks_per_request = 32};
  if (argc > 1) options.requests_per_class = static_cast<uint32_t>(assay::parse_integer(argv[1]).value_or(0));
  if (argc > 2) options.chunks_per_request = static_cast<uint32_t>(assay::parse_integer(argv[2]).value_or(0));
  std::string folder = "/tmp/assay-report-render-XXXXXX";
  if (options.requests_per_class == 0 || mkdtemp(folder.data()) == nullptr) {
    std::fputs("usage: report_render [REQUESTS_PER_CLASS] [CHUNKS]\n", stderr);
    return 2;
  }
  const assay::Result<void> done = assay::run(folder, options);
  for (const char* file : {"/large.dossier", "/large.dossier-wal", "/large.dossier-shm"})
    assay::remove_file(folder + file);
  rmdir(folder.c_str());
  if (!done) std::fputs((done.error().message() + "\n").c_str(), stderr);
  return done ? 0 : 2;
}
