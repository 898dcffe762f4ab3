// `assay load`: traffic against an endpoint from flags, without a scenario file.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/calibrate.h"
#include "cli/commands.h"
#include "cli/foreign_flags.h"
#include "cli/load_flags.h"
#include "cli/load_merge.h"
#include "cli/load_outputs.h"
#include "cli/load_ranks.h"
#include "cli/load_secrets.h"
#include "cli/places.h"
#include "cli/session.h"
#include "load/load.h"
#include "os/os.h"
#include "report/report.h"

namespace assay {
namespace {

constexpr OptionSpec kOutputs[] = {
    {"--out", "DIR", "Where dossier, report and scenario go.", "assay-out/TIME-NAME", "directory"},
    {"--calibrate", nullptr,
     "Measure the instrument's own error on this machine, against `assay emulate`, and keep it for later reports. Takes "
     "no URL, and of the other options only --duration (seconds for each shape of traffic: 4), --out and --json.",
     nullptr, nullptr},
    {.name = "--merge",
     .value = "DIR",
     .help =
         "Sends nothing, but puts together what the ranks of one run have left: DIR has their folders rank-0, "
         "rank-1 …, or is one of them; more than once for more. Takes no URL, and of the other options only those "
         "that write files.",
     .default_text = nullptr,
     .completes = "directory",
     .repeats = true},
};

constexpr PositionalSpec kLoadPositionals[] = {
    {"URL",
     "The server's base URL; http:// and /v1 are added where they are missing. Several: servers that share the requests, "
     "each in turn.",
     false, nullptr, true}};

std::span<const OptionSpec> load_options() {
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> options(load_flags().begin(), load_flags().end());
    options.insert(options.end(), std::begin(kOutputs), std::end(kOutputs));
    options.insert(options.end(), request_file_options().begin(), request_file_options().end());
    return options;
  }();
  return all;
}

// An option that does nothing here would be believed to do something.
Result<void> check_options_of(const ParsedOptions& options, std::span<const std::string_view> known,
                              const char* why, const char* remedy) {
  const auto unwanted = [&](const std::string& name) { return fail(why, name, remedy); };
  if (options.has("URL")) return unwanted("URL");
  if (!options.rest().empty()) return unwanted("-- COMMAND");
  for (const OptionSpec& option : load_options()) {
    if (options.has(option.name) && std::ranges::find(known, option.name) == known.end())
      return unwanted(option.name);
  }
  return {};
}

// Of an evaluation that did not come to its end: the points of a sweep that did are shown all the same.
std::unexpected<Error> show_what_is_done(CommandContext& context, const ParsedOptions& options,
                                         const Session& session, const Error& why) {
  const Result<DossierContent> content = session.dossier.read();
  const bool has_any = !options.has("--json") && content &&
                       std::ranges::count(content->trials, TrialState::kDone, &Trial::state) > 0;
  if (has_any)
    RETURN_IF_ERROR(
        context.terminal.out(render_load_table(*content, static_cast<size_t>(context.terminal.width()))));
  return std::unexpected(why);
}

Result<int> run_load(CommandContext& context, const ParsedOptions& options) {
  RETURN_IF_ERROR(find_places(context.environment));  // before anything is begun
  const std::optional<LauncherPlace> place = launcher_place(context.environment.variables);
  if (options.has("--calibrate")) {
    constexpr std::string_view kKnown[] = {"--calibrate", "--duration", "--out"};
    RETURN_IF_ERROR(
        check_options_of(options, kKnown, "a calibration brings its own server and traffic",
                         "Leave it out: with --calibrate there are --duration, --out and --json."));
    if (place)
      return refuse_ranks(*place, "load --calibrate",
                          "a calibration is of one machine that has nothing else to do");
    return run_calibrate(context, options);
  }
  if (options.has("--merge")) {
    constexpr std::string_view kKnown[] = {"--merge", "--out", "--samples", "--csv", "--export"};
    RETURN_IF_ERROR(
        check_options_of(options, kKnown, "with --merge nothing is sent",
                         "Leave it out: there are --out, --samples, --csv, --export and --json."));
    if (place) return refuse_ranks(*place, "load --merge", "what is there needs to be put together once");
    return run_merge(context, options);
  }
  if (!options.has("URL")) return fail("no URL given", "", "See `assay help load`.");
  if (place) return run_load_ranks(context, options, *place);
  ASSIGN_OR_RETURN(const LoadChoice choice, scenario_of_flags(options.values("URL"), options));
  ASSIGN_OR_RETURN(const RequestFiles files, request_files_of(options));
  RETURN_IF_ERROR(check_secrets(context.environment, options));
  ProgressDisplay display(context.terminal, context.environment.clock);
  const SessionStart start{.scenario_text = choice.scenario_text,
                           .scenario_path = "",
                           .text_origin = "the flags of assay load",
                           .tell_error = choice.tell_error,
                           .folder = options.value("--out"),
                           .overrides = {}};
  ASSIGN_OR_RETURN(Session session, begin_session(context, start, display));
  display.note(printable(choice.words, 400));
  session.keeps_stopped = true;
  const Result<DossierContent> evaluated = evaluate_session(context, session, display);
  if (!evaluated) return show_what_is_done(context, options, session, evaluated.error());
  const DossierContent& content = *evaluated;
  return show_load_result(context, options, files,
                          {.dossier = session.dossier,
                           .content = content,
                           .report_path = report_path(session),
                           .next_command = fmt::format("assay run {}/scenario.toml", session.folder)});
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
          "Under mpirun or srun each rank sends its share of one schedule and writes its own dossier; rank 0 puts them "
          "together. For a rank that dies not to end the others, Open MPI's mpirun needs --enable-recovery --mca "
          "orte_abort_on_non_zero_status 0.\n"
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
          "mpirun -n 8 --enable-recovery --mca orte_abort_on_non_zero_status 0 assay load http://10.0.0.1:8000 --request-rate 400\n"
          "assay load --calibrate",
      .run = run_load,
      .rest =
          {"COMMAND …",
           "Starts the server with this command, without a shell; waits until it is ready, measures that, and stops it "
           "afterwards. Its port must be the URL's.",
           false, nullptr},
      .ranks = RankUse::kShares,
      .foreign_flags = foreign_load_flags(),
  };
}

}  // namespace assay
