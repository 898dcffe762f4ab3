// `assay load`: traffic against an endpoint from flags, without a scenario file.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/calibrate.h"
#include "cli/commands.h"
#include "cli/load_flags.h"
#include "cli/places.h"
#include "cli/session.h"
#include "load/load.h"
#include "os/os.h"
#include "report/report.h"

namespace assay {
namespace {

constexpr OptionSpec kOutputs[] = {
    {"--out", "DIR", "Where dossier, report and scenario go.", "assay-out/TIME-NAME", "directory"},
    {"--samples", "FILE", "Also write every request, a JSON line each, with the arrival of each chunk.",
     nullptr, "file"},
    {"--csv", "FILE", "Also write every request as a row of a table.", nullptr, "file"},
    {"--calibrate", nullptr,
     "Measure the instrument's own error on this machine, against `assay emulate`, and keep it for later reports. Takes "
     "no URL, and of the other options only --duration (seconds for each shape of traffic: 4), --out and --json.",
     nullptr, nullptr},
};

// The row of --export, made of the table of formats; it lives as long as the program, as a row's texts must.
OptionSpec export_option() {
  static const std::string help = [] {
    std::string text =
        "Also write a result file of another tool, by its own definitions; more than once for more files:";
    const char* separator = " ";
    for (const ExportFormat& format : export_formats()) {
      text += fmt::format("{}{}: {}", separator, format.name, format.title);
      separator = "; ";
    }
    return text + ".";
  }();
  return {.name = "--export",
          .value = "FORMAT=FILE",
          .help = help.c_str(),
          .default_text = nullptr,
          .completes = "export",
          .repeats = true};
}

struct Export {
  const ExportFormat* format;
  std::string path;
};
Result<std::vector<Export>> exports_of(const ParsedOptions& options) {
  std::vector<Export> exports;
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

constexpr PositionalSpec kLoadPositionals[] = {
    {"URL",
     "The server's base URL; http:// and /v1 are added where they are missing. Several: servers that share the requests, "
     "each in turn.",
     false, nullptr, true}};

std::span<const OptionSpec> load_options() {
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> options(load_flags().begin(), load_flags().end());
    options.insert(options.end(), std::begin(kOutputs), std::end(kOutputs));
    options.push_back(export_option());
    return options;
  }();
  return all;
}

// Every file that will be written has a folder to go to.
Result<void> check_folders(const ParsedOptions& options, const std::vector<Export>& exports) {
  std::vector<std::pair<const char*, std::string>> files{{"--samples", options.value("--samples")},
                                                         {"--csv", options.value("--csv")}};
  for (const Export& each : exports) files.push_back({"--export", each.path});
  for (const auto& [flag, path] : files) {
    if (path.find('/') == std::string::npos) continue;
    if (const std::string folder = parent_directory(path); !list_directory(folder))
      return fail(fmt::format("there is no folder '{}'", printable(folder, 200)), flag, "Make it first.");
  }
  return {};
}

Result<void> write_files(const Session& session, const ParsedOptions& options,
                         const std::vector<Export>& exports) {
  if (options.has("--samples"))
    RETURN_IF_ERROR(write_samples_jsonl(session.dossier, options.value("--samples")));
  if (options.has("--csv")) RETURN_IF_ERROR(write_samples_csv(session.dossier, options.value("--csv")));
  for (const Export& each : exports) {
    // The run is of this boot, so the clocks as they stand now tell when it was.
    const ExportInput input{.dossier = session.dossier, .wall_offset = read_clocks().offset()};
    RETURN_IF_ERROR(each.format->write(input, each.path));
  }
  return {};
}

// An option that does nothing here would be believed to do something.
Result<void> check_calibrate_options(const ParsedOptions& options) {
  constexpr std::string_view kKnown[] = {"--calibrate", "--duration", "--out"};
  const auto unwanted = [](const std::string& name) {
    return fail("a calibration brings its own server and traffic", name,
                "Leave it out: with --calibrate there are --duration, --out and --json.");
  };
  if (options.has("URL")) return unwanted("URL");
  if (!options.rest().empty()) return unwanted("-- COMMAND");
  for (const OptionSpec& option : load_options()) {
    if (options.has(option.name) && std::ranges::find(kKnown, option.name) == std::end(kKnown))
      return unwanted(option.name);
  }
  return {};
}

Result<int> run_load(CommandContext& context, const ParsedOptions& options) {
  RETURN_IF_ERROR(find_places(context.environment));  // before anything is begun
  if (options.has("--calibrate")) {
    RETURN_IF_ERROR(check_calibrate_options(options));
    return run_calibrate(context, options);
  }
  if (!options.has("URL")) return fail("no URL given", "", "See `assay help load`.");
  ASSIGN_OR_RETURN(const LoadChoice choice, scenario_of_flags(options.values("URL"), options));
  ASSIGN_OR_RETURN(const std::vector<Export> exports, exports_of(options));
  RETURN_IF_ERROR(check_folders(options, exports));
  ProgressDisplay display(context.terminal, context.environment.clock);
  display.note(printable(choice.words, 400));
  const SessionStart start{.scenario_text = choice.scenario_text,
                           .scenario_path = "",
                           .text_origin = "the flags of assay load",
                           .folder = options.value("--out"),
                           .overrides = {}};
  ASSIGN_OR_RETURN(Session session, begin_session(context, start, display));
  ASSIGN_OR_RETURN(const DossierContent content, evaluate_session(context, session, display));
  // The result is shown first: a file that cannot be written must not hide it, nor why a trial failed.
  if (options.has("--json")) {
    ASSIGN_OR_RETURN(const std::string json, render_json(session.dossier));
    RETURN_IF_ERROR(context.terminal.out(json));
    RETURN_IF_ERROR(write_files(session, options, exports));
    return exit_code(content);
  }
  const TerminalOptions summary{.width = static_cast<size_t>(context.terminal.width()),
                                .colour = context.terminal.out_colour(),
                                .dossier_path = session.dossier.path(),
                                .report_path = report_path(session),
                                .next_command = fmt::format("assay run {}/scenario.toml", session.folder)};
  RETURN_IF_ERROR(
      context.terminal.out(render_load_table(content) + render_findings_and_paths(content, summary)));
  RETURN_IF_ERROR(write_files(session, options, exports));
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
          "([[traffic]], see `assay run`).\n"
          "With --calibrate it measures itself instead: some 20 s of traffic against `assay emulate`, whose send stamps are "
          "the truth. What it finds stands in the reports of later runs on this machine.",
      .options = load_options(),
      .positionals = kLoadPositionals,
      .example =
          "assay load http://127.0.0.1:8000\n"
          "assay load 127.0.0.1:8000 --request-rate 10 --num-prompts 500 --goodput ttft:500 tpot:50\n"
          "assay load 10.0.0.1:8000 10.0.0.2:8000 --max-concurrency 64\n"
          "assay load https://llm.example/v1 --api-key-env KEY --max-concurrency 32 --input-len 1024 --output-len 128\n"
          "assay load 127.0.0.1:8000 --dataset-name azure --dataset-path trace.csv --samples requests.jsonl\n"
          "assay load 127.0.0.1:8000 --stack engine=vllm,version=0.11.0 -- vllm serve MODEL --port 8000\n"
          "assay load --calibrate",
      .run = run_load,
      .rest =
          {"COMMAND …",
           "Starts the server with this command, without a shell; waits until it is ready, measures that, and stops it "
           "afterwards. Its port must be the URL's.",
           false, nullptr},
  };
}

}  // namespace assay
