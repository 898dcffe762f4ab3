// The end of `assay load`; see load_outputs.h.
#include "cli/load_outputs.h"

#include <fmt/format.h>

#include "cli/session.h"
#include "os/os.h"
#include "report/report.h"

namespace assay {
namespace {

Result<void> write_files(const LoadOutcome& result, const ParsedOptions& options,
                         const std::vector<LoadExport>& exports) {
  const Dossier& dossier = result.dossier;
  if (options.has("--samples")) RETURN_IF_ERROR(write_samples_jsonl(dossier, options.value("--samples")));
  if (options.has("--csv")) RETURN_IF_ERROR(write_samples_csv(dossier, options.value("--csv")));
  for (const LoadExport& each : exports) {
    const ExportInput input{.dossier = dossier, .wall_offset = result.wall_offset};
    RETURN_IF_ERROR(each.format->write(input, each.path));
  }
  return {};
}

}  // namespace

Result<std::vector<LoadExport>> exports_of(const ParsedOptions& options) {
  std::vector<LoadExport> exports;
  for (const std::string& text : options.values("--export")) {
    const size_t equals = text.find('=');
    const ExportFormat* format = find_export_format(text.substr(0, equals));
    if (format == nullptr || equals == std::string::npos || equals + 1 == text.size()) {
      std::string forms;
      for (const ExportFormat& each : export_formats())
        forms += fmt::format("{}{}=FILE", forms.empty() ? "" : " or ", each.name);
      return fail(fmt::format("'{}' names no form and file", printable(text, 60)), "--export",
                  fmt::format("Write {}.", forms));
    }
    exports.push_back({format, text.substr(equals + 1)});
  }
  return exports;
}

Result<void> check_folders(const ParsedOptions& options, const std::vector<LoadExport>& exports) {
  std::vector<std::pair<const char*, std::string>> files{{"--samples", options.value("--samples")},
                                                         {"--csv", options.value("--csv")}};
  for (const LoadExport& each : exports) files.push_back({"--export", each.path});
  for (const auto& [flag, path] : files) {
    if (!path.empty() && list_directory(path))
      return fail(fmt::format("'{}' is a folder", printable(path, 200)), flag, "Name a file in it.");
    if (path.find('/') == std::string::npos) continue;
    if (const std::string folder = parent_directory(path); !list_directory(folder))
      return fail(fmt::format("there is no folder '{}'", printable(folder, 200)), flag, "Make it first.");
  }
  return {};
}

Result<int> show_load_result(CommandContext& context, const ParsedOptions& options,
                             const std::vector<LoadExport>& exports, const LoadOutcome& result) {
  // The result is shown first: a file that cannot be written must not hide it, nor why a trial failed.
  if (options.has("--json")) {
    ASSIGN_OR_RETURN(const std::string json, render_json(result.dossier));
    RETURN_IF_ERROR(context.terminal.out(json));
    RETURN_IF_ERROR(write_files(result, options, exports));
    return exit_code(result.content);
  }
  const TerminalOptions summary{.width = static_cast<size_t>(context.terminal.width()),
                                .colour = context.terminal.out_colour(),
                                .dossier_path = result.dossier.path(),
                                .report_path = result.report_path,
                                .next_command = result.next_command,
                                .shortfalls = exit_reasons(result.content)};
  RETURN_IF_ERROR(context.terminal.out(render_load_table(result.content) +
                                       render_findings_and_paths(result.content, summary)));
  RETURN_IF_ERROR(write_files(result, options, exports));
  return exit_code(result.content);
}

}  // namespace assay
