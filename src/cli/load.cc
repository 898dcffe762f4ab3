// `assay load`: traffic against an endpoint from flags, without a scenario file.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/load_flags.h"
#include "cli/places.h"
#include "cli/session.h"
#include "load/load.h"
#include "report/report.h"

namespace assay {
namespace {

constexpr OptionSpec kOutputs[] = {
    {"--out", "DIR", "Where dossier, report and scenario go.", "assay-out/TIME-NAME", "directory"},
    {"--samples", "FILE", "Also write every request, a JSON line each, with the arrival of each chunk.",
     nullptr, "file"},
    {"--csv", "FILE", "Also write every request as a row of a table.", nullptr, "file"},
    {"--export", "vllm=FILE", "Also write the result file of `vllm bench serve`, by its own definitions.",
     nullptr, nullptr},
};

// Result files of other tools, for what reads them.
struct ExportKind {
  const char* name;
  Result<void> (*write)(const Dossier& dossier, const std::string& path);
};
constexpr ExportKind kExports[] = {{"vllm", write_vllm_file}};

struct Export {
  const ExportKind* kind = nullptr;  // null: none is wanted
  std::string path;
};
Result<Export> export_of(const std::string& text) {
  if (text.empty()) return Export();
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  for (const ExportKind& kind : kExports) {
    if (name == kind.name && equals != std::string::npos && equals + 1 < text.size())
      return Export{&kind, text.substr(equals + 1)};
  }
  return fail(fmt::format("'{}' names no form and file", printable(text, 60)), "--export",
              "Write vllm=FILE.");
}

constexpr PositionalSpec kPositionals[] = {
    {"URL", "The server's base URL; http:// and /v1 are added where they are missing.", true, nullptr}};

std::span<const OptionSpec> all_options() {
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> options(load_flags().begin(), load_flags().end());
    options.insert(options.end(), std::begin(kOutputs), std::end(kOutputs));
    return options;
  }();
  return all;
}

Result<int> run_load(CommandContext& context, const ParsedOptions& options) {
  RETURN_IF_ERROR(find_places(context.environment));  // before anything is begun
  ASSIGN_OR_RETURN(const LoadChoice choice, scenario_of_flags(options.value("URL"), options));
  ASSIGN_OR_RETURN(const Export wanted, export_of(options.value("--export")));
  ProgressDisplay display(context.terminal, context.environment.clock);
  display.note(printable(choice.words, 400));
  const SessionStart start{.scenario_text = choice.scenario_text,
                           .scenario_path = "",
                           .folder = options.value("--out"),
                           .overrides = {}};
  ASSIGN_OR_RETURN(Session session, begin_session(context, start, display));
  ASSIGN_OR_RETURN(const DossierContent content, evaluate_session(context, session, display));
  if (options.has("--samples"))
    RETURN_IF_ERROR(write_samples_jsonl(session.dossier, options.value("--samples")));
  if (options.has("--csv")) RETURN_IF_ERROR(write_samples_csv(session.dossier, options.value("--csv")));
  if (wanted.kind != nullptr) RETURN_IF_ERROR(wanted.kind->write(session.dossier, wanted.path));
  if (options.has("--json")) {
    ASSIGN_OR_RETURN(const std::string json, render_json(session.dossier));
    RETURN_IF_ERROR(context.terminal.out(json));
    return exit_code(content);
  }
  const TerminalOptions summary{.width = static_cast<size_t>(context.terminal.width()),
                                .colour = context.terminal.out_colour(),
                                .dossier_path = session.dossier.path(),
                                .report_path = report_path(session),
                                .next_command = fmt::format("assay run {}/scenario.toml", session.folder)};
  RETURN_IF_ERROR(
      context.terminal.out(render_load_table(content) + render_findings_and_paths(content, summary)));
  return exit_code(content);
}

}  // namespace

Command load_command() {
  return {
      .name = "load",
      .title = "Traffic against an LLM endpoint, with a known error",
      .description =
          "Sends requests to an OpenAI-compatible server on a schedule that does not wait for answers, stamps every "
          "chunk when the kernel received it, and reports latencies, rates and failures with intervals. Latency counts "
          "from the instant at which a request was due, so that a server that stalls cannot hide it.\n"
          "Without flags: 200 chat requests of mixed lengths at 60 % of what a short burst shows the server can do. The "
          "flags are those that users of `vllm bench serve` know. What they choose is written as a scenario beside the "
          "dossier, so that it can be changed and run again; several traffic classes at once are a scenario's "
          "([[traffic]], see `assay run`).",
      .options = all_options(),
      .positionals = kPositionals,
      .example =
          "assay load http://127.0.0.1:8000\n"
          "assay load 127.0.0.1:8000 --request-rate 10 --num-prompts 500 --goodput ttft:500 tpot:50\n"
          "assay load https://llm.example/v1 --api-key-env KEY --max-concurrency 32 --input-len 1024 --output-len 128\n"
          "assay load 127.0.0.1:8000 --dataset-name azure --dataset-path trace.csv --samples requests.jsonl\n"
          "assay load 127.0.0.1:8000 --stack engine=vllm,version=0.11.0 -- vllm serve MODEL --port 8000",
      .run = run_load,
      .rest =
          {"COMMAND …",
           "Starts the server with this command, without a shell; waits until it is ready, measures that, and stops it "
           "afterwards. Its port must be the URL's.",
           false, nullptr},
  };
}

}  // namespace assay
