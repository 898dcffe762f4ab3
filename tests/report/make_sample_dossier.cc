// Writes sample dossiers and their reports into a folder: what the page's test opens in a browser.
#include <fmt/format.h>

#include <cstdio>

#include "os/os.h"
#include "report/report.h"
#include "sample_dossier.h"

namespace assay {
namespace {

Result<void> write_all(const std::string& folder, const std::string& name,
                       const SampleDossierOptions& options) {
  const std::string path = fmt::format("{}/{}.dossier", folder, name);
  remove_file(path);
  RETURN_IF_ERROR(write_sample_dossier(path, options));
  ASSIGN_OR_RETURN(const Dossier dossier, Dossier::open_read_only(path));
  ASSIGN_OR_RETURN(const std::string html, render_html(dossier));
  RETURN_IF_ERROR(write_file_atomically(fmt::format("{}/{}.html", folder, name), html));
  ASSIGN_OR_RETURN(const std::string markdown, render_markdown(dossier));
  RETURN_IF_ERROR(write_file_atomically(fmt::format("{}/{}.md", folder, name), markdown));
  ASSIGN_OR_RETURN(const std::string json, render_json(dossier));
  RETURN_IF_ERROR(write_file_atomically(fmt::format("{}/{}.json", folder, name), json));
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  return write_file_atomically(
      fmt::format("{}/{}.txt", folder, name),
      render_terminal_summary(
          content, {.dossier_path = path, .report_path = name + ".html", .next_command = "assay report"}));
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_sample_dossier FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  for (const auto& [name, options] : {std::pair{"sample", assay::SampleDossierOptions{}},
                                      {"hostile", assay::SampleDossierOptions{.is_hostile = true}}}) {
    const assay::Result<void> done = assay::write_all(folder, name, options);
    if (!done) {
      std::fputs((done.error().message() + "\n").c_str(), stderr);
      return 1;
    }
  }
}
