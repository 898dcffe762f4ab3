// `assay report`: a dossier as HTML, Markdown, JSON, or the eight lines on the terminal.
#include "report/report.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/request_files.h"

namespace assay {
namespace {

constexpr OptionSpec kOutput = {"--output", "FILE", "Where to write: .html, .md or .json decides the form.",
                                nullptr,    "file", 'o'};

std::span<const OptionSpec> report_options() {
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> options{kOutput};
    options.insert(options.end(), request_file_options().begin(), request_file_options().end());
    return options;
  }();
  return all;
}

constexpr PositionalSpec kReportPositionals[] = {
    {"DOSSIER", "The dossier, or the folder of a run.", true, "file"}};

// A folder stands for the dossier in it.
std::string file_to_report(const std::string& path) {
  const std::string inside = path + (path.ends_with('/') ? "" : "/") + "dossier.assay";
  return file_exists(inside) ? inside : path;
}

Result<std::string> render(const Dossier& dossier, std::string_view file) {
  if (file.ends_with(".html") || file.ends_with(".htm")) return render_html(dossier);
  if (file.ends_with(".md")) return render_markdown(dossier);
  if (file.ends_with(".json")) return render_json(dossier);
  return fail("cannot tell the form of the report from this name", std::string(file),
              "End it in .html, .md or .json.");
}

// Of a run without requests they would be empty.
Result<void> check_has_requests(const Dossier& dossier) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  for (const Trial& trial : content.trials) {
    if (trial.exam != "load") continue;
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, dossier.read_samples(trial.id, "chunks"));
    if (!samples.empty()) return {};
  }
  return fail("no load trial left requests", dossier.path(), "There is nothing to write them from.");
}

Result<int> run_report(CommandContext& context, const ParsedOptions& options) {
  const std::string file = options.value("--output");
  const std::string dossier_file = file_to_report(options.value("DOSSIER"));
  ASSIGN_OR_RETURN(const RequestFiles files,
                   request_files_of(options, file, {{"the dossier", dossier_file}}));
  if (!file.empty() && options.has("--json"))
    return fail("--json writes to stdout, and --output to a file", "--json",
                "Leave one out; a FILE that ends in .json holds the same.");
  ASSIGN_OR_RETURN(const Dossier dossier, Dossier::open_read_only(dossier_file));
  if (!files.empty()) {
    RETURN_IF_ERROR(check_has_requests(dossier));
    RETURN_IF_ERROR(write_request_files(context.terminal, dossier, files));
    if (file.empty() && !options.has("--json")) return 0;
  }
  if (!file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, render(dossier, file));
    RETURN_IF_ERROR(write_file_atomically(file, text));
    context.terminal.err(
        fmt::format("report: {} ({})\n", file, format_bytes(static_cast<int64_t>(text.size()))));
    return 0;
  }
  if (options.has("--json")) {
    ASSIGN_OR_RETURN(const std::string text, render_json(dossier));
    RETURN_IF_ERROR(context.terminal.out(text));
    return 0;
  }
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  const std::string page = parent_directory(dossier.path()) + "/report.html";
  const bool has_page = file_exists(page);
  const TerminalOptions summary{
      .width = static_cast<size_t>(context.terminal.width()),
      .colour = context.terminal.out_colour(),
      .dossier_path = dossier.path(),
      .report_path = has_page ? page : "",
      .next_command = has_page ? "" : fmt::format("assay report {} -o report.html", dossier.path())};
  RETURN_IF_ERROR(context.terminal.out(render_terminal_summary(content, summary)));
  return 0;
}

}  // namespace

Command report_command() {
  return {
      .name = "report",
      .title = "The consolidated report of a dossier",
      .description =
          "Renders a dossier. Without --output: the eight answers on the terminal, and above them, of a run of loads "
          "alone, the table of latencies and rates. The HTML report is one "
          "file that opens from disk and asks the network for nothing; every number in it leads to the "
          "trial, the conditions and the samples it came from. JSON holds everything, raw samples included.\n"
          "--samples, --csv and --export write the single requests of its load trials, as `assay load` does.",
      .options = report_options(),
      .positionals = kReportPositionals,
      .example =
          "assay report assay-out/latest\nassay report dossier.assay -o report.html\n"
          "assay report dossier.assay -o report.md\n"
          "assay report assay-out/latest --samples requests.jsonl --export vllm=bench.json",
      .run = run_report,
  };
}

}  // namespace assay
