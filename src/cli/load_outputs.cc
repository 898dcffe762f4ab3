// The end of `assay load`; see load_outputs.h.
#include "cli/load_outputs.h"

#include <fmt/format.h>

#include "cli/session.h"
#include "report/report.h"

namespace assay {
Result<int> show_load_result(CommandContext& context, const ParsedOptions& options, const RequestFiles& files,
                             const LoadOutcome& result) {
  // The result is shown first: a file that cannot be written must not hide it, nor why a trial failed.
  if (options.has("--json")) {
    ASSIGN_OR_RETURN(const std::string json, render_json(result.dossier));
    RETURN_IF_ERROR(context.terminal.out(json));
    RETURN_IF_ERROR(write_request_files(context.terminal, result.dossier, files));
    return exit_code(result.content);
  }
  const TerminalOptions summary{.width = static_cast<size_t>(context.terminal.width()),
                                .colour = context.terminal.out_colour(),
                                .dossier_path = result.dossier.path(),
                                .report_path = result.report_path,
                                .next_command = result.next_command,
                                .exit_code = exit_code(result.content),
                                .shortfalls = exit_reasons(result.content)};
  RETURN_IF_ERROR(context.terminal.out(render_load_table(result.content, summary.width) +
                                       render_findings_and_paths(result.content, summary)));
  RETURN_IF_ERROR(write_request_files(context.terminal, result.dossier, files));
  return exit_code(result.content);
}

}  // namespace assay
