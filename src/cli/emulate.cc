// `assay emulate`: a server whose timing is exactly known.
#include "emulate/emulate.h"

#include <fmt/format.h>

#include "cli/commands.h"

namespace assay {
namespace {

// The names of --role-chunk.
struct RoleChunkName {
  const char* name;
  RoleChunk place;
  const char* when;
};
constexpr RoleChunkName kRoleChunks[] = {
    {"first", RoleChunk::kWithFirst, "with the first token"},
    {"early", RoleChunk::kEarly, "when the request is admitted"},
    {"none", RoleChunk::kNone, "nowhere"},
};

// What each timing model and each place means, and which models know an option, is added from their tables.
constexpr OptionSpec kEmulateOptions[] = {
    {"--host", "ADDRESS", "Where to listen.", "127.0.0.1", nullptr},
    {"--port", "N", "The port; 0 takes a free one.", "8000", nullptr},
    {"--model", "NAME", "The name of the model that answers carry.", "emulated", nullptr},
    {"--timing", "MODEL", "When tokens are due.", "constant", "timing"},
    {"--ttft-ms", "MS", "From the request's last byte to the first token.", "50; coalesced: 0", nullptr},
    {"--gap-ms", "MS", "From one token to the next.", "10", nullptr},
    {"--tokens", "N", "An answer ends by itself after so many.", "as many as asked for, or 128", nullptr},
    {"--script", "FILE", "JSON lines of ttft_ms, gaps_ms and tokens, one a request.", nullptr, "file"},
    {"--sequences", "N", "Requests served at once.", "8", nullptr},
    {"--prefill-us-per-token", "US", "Time for each token of the prompt.", "0", nullptr},
    {"--tpot-ms", "MS", "Time for each token of the answer.", "10", nullptr},
    {"--kv-tokens", "N", "Tokens of prompts and answers that fit at once.", "no bound", nullptr},
    {"--service", "KIND",
     "How long a request holds its place. tokens: prefill and tokens. exponential, deterministic: --service-ms "
     "in the mean or exactly, the tokens spread evenly over it.",
     "tokens", nullptr},
    {"--service-ms", "MS", "The mean time that a request holds its place.", nullptr, nullptr},
    {"--seed", "N", "Seed of what is drawn.", "1", nullptr},
    {"--waves", nullptr, "All streams emit at the same instants, as the steps of one engine.", nullptr,
     nullptr},
    {"--role-chunk", "WHERE", "Where the chunk stands that says only who speaks.", "first", nullptr},
    {"--fault", "KIND[:KEY=N],…",
     "Mishaps by schedule: KIND:every=N or KIND:at=N, and further keys (seconds, tokens, bytes) as the kind has them. "
     "`assay list faults` shows the kinds, `assay show KIND` one of them.",
     nullptr, nullptr},
    {"--stamps", "FILE", "Write when every event was due and sent (JSON lines).", nullptr, "file"},
    {"--stamps-events", "N", "How many events are kept in memory.", "16000000", nullptr},
    {"--tls-cert", "FILE", "Serve TLS with this certificate (PEM).", nullptr, "file"},
    {"--tls-key", "FILE", "Its private key (PEM).", nullptr, "file"},
    {"--requests", "N", "End after so many requests for inference.", "none", nullptr},
    {"--duration-s", "S", "End after so many seconds.", "none", nullptr},
    {"--ready-file", "FILE", "Write the URL there as soon as it is served.", nullptr, "file"},
};

std::string help_of(const OptionSpec& option) {
  std::string help = option.help;
  if (const std::vector<std::string> models = timing_models_with(option.name); !models.empty())
    help = fmt::format("{}: {}", join(models, ", "), help);
  if (option.name == std::string_view("--timing")) {
    for (const TimingModelKind& kind : timing_models())
      help += fmt::format(" {}: {}.", kind.name, kind.title);
  }
  if (option.name == std::string_view("--role-chunk")) {
    for (const RoleChunkName& chunk : kRoleChunks) help += fmt::format(" {}: {}.", chunk.name, chunk.when);
  }
  return help;
}

std::span<const OptionSpec> all_options() {
  static const std::vector<std::string> helps = [] {
    std::vector<std::string> texts;
    for (const OptionSpec& option : kEmulateOptions) texts.push_back(help_of(option));
    return texts;
  }();
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> options(std::begin(kEmulateOptions), std::end(kEmulateOptions));
    for (size_t i = 0; i < options.size(); ++i) options[i].help = helps[i].c_str();
    return options;
  }();
  return all;
}

// Numbers of options, with their bounds. The first error is kept.
class Numbers {
 public:
  explicit Numbers(const ParsedOptions& options) : options_(options) {}

  double real(const char* name, double otherwise, double most) {
    if (!options_.has(name)) return otherwise;
    const std::optional<double> value = parse_number(options_.value(name));
    if (value && *value >= 0 && *value <= most) return *value;
    complain(name, fmt::format("number from 0 to {}", most));
    return otherwise;
  }
  int64_t whole(const char* name, int64_t otherwise, int64_t least, int64_t most) {
    if (!options_.has(name)) return otherwise;
    const std::optional<int64_t> value = parse_integer(options_.value(name));
    if (value && *value >= least && *value <= most) return *value;
    complain(name, fmt::format("whole number from {} to {}", least, most));
    return otherwise;
  }
  Result<void> result() const {
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  void complain(const char* name, const std::string& wanted) {
    if (!error_)
      error_ = Error{fmt::format("'{}' is no {}", printable(options_.value(name), 60), wanted), name, ""};
  }
  const ParsedOptions& options_;
  std::optional<Error> error_;
};

constexpr double kDayMs = 86'400'000;

// An option that the model does not know would be believed to do something.
Result<void> check_known(const std::string& model, const ParsedOptions& options) {
  for (const TimingModelKind& kind : timing_models()) {
    if (model != kind.name) continue;
    for (const OptionSpec& option : kEmulateOptions) {
      const std::vector<std::string> models = timing_models_with(option.name);
      if (models.empty() || kind.knows(option.name) || !options.has(option.name)) continue;
      return fail(fmt::format("the {} timing does not know this option", model), option.name,
                  fmt::format("It is one of --timing {}.", join(models, " or ")));
    }
  }
  return {};
}

Result<TimingOptions> timing_of(const ParsedOptions& options, Numbers& numbers) {
  TimingOptions timing;
  if (options.has("--timing")) timing.model = options.value("--timing");
  timing.ttft = nanos_from_ms(numbers.real("--ttft-ms", timing.model == "coalesced" ? 0 : 50, kDayMs));
  timing.gap = nanos_from_ms(numbers.real("--gap-ms", 10, kDayMs));
  timing.script_path = options.value("--script");
  timing.sequences = static_cast<uint32_t>(numbers.whole("--sequences", 8, 1, 1'000'000));
  timing.prefill_per_token =
      Nanos(static_cast<int64_t>(numbers.real("--prefill-us-per-token", 0, 1e6) * 1e3));
  timing.tpot = nanos_from_ms(numbers.real("--tpot-ms", 10, kDayMs));
  timing.kv_tokens = static_cast<uint64_t>(numbers.whole("--kv-tokens", 0, 1, int64_t{1} << 50));
  if (options.has("--service")) timing.service = options.value("--service");
  timing.mean_service = nanos_from_ms(numbers.real("--service-ms", 0, kDayMs));
  timing.seed = static_cast<uint64_t>(numbers.whole("--seed", 1, 0, INT64_MAX));
  timing.waves = options.has("--waves");
  RETURN_IF_ERROR(check_known(timing.model, options));
  if (options.has("--seed") && timing.service != "exponential")
    return fail(fmt::format("nothing is drawn with --service {}", printable(timing.service, 40)), "--seed",
                "Leave it out, or take --service exponential.");
  return timing;
}

Result<RoleChunk> role_chunk_of(const std::string& text) {
  if (text.empty()) return RoleChunk::kWithFirst;
  std::vector<std::string> names;
  for (const RoleChunkName& chunk : kRoleChunks) {
    names.emplace_back(chunk.name);
    if (text == chunk.name) return chunk.place;
  }
  return fail(fmt::format("unknown place '{}'.{}", printable(text), suggestion(text, names)), "--role-chunk",
              fmt::format("There are: {}.", join(names, ", ")));
}

Result<EmulatorOptions> emulator_options(const ParsedOptions& options) {
  Numbers numbers(options);
  EmulatorOptions emulator;
  if (options.has("--host")) emulator.host = options.value("--host");
  emulator.port = static_cast<uint16_t>(numbers.whole("--port", 8000, 0, 65535));
  if (options.has("--model")) emulator.model = options.value("--model");
  ASSIGN_OR_RETURN(emulator.timing, timing_of(options, numbers));
  emulator.tokens = static_cast<uint32_t>(numbers.whole("--tokens", 0, 1, 1'000'000));
  ASSIGN_OR_RETURN(emulator.role_chunk, role_chunk_of(options.value("--role-chunk")));
  ASSIGN_OR_RETURN(emulator.faults, parse_faults(options.value("--fault")));
  emulator.stamps_path = options.value("--stamps");
  emulator.stamps_events =
      static_cast<size_t>(numbers.whole("--stamps-events", 16'000'000, 1, 4'000'000'000));
  emulator.tls_certificate = options.value("--tls-cert");
  emulator.tls_key = options.value("--tls-key");
  emulator.end_after_requests = static_cast<uint64_t>(numbers.whole("--requests", 0, 1, INT64_MAX));
  emulator.end_after = nanos_from_seconds(numbers.real("--duration-s", 0, 1e8));
  RETURN_IF_ERROR(numbers.result());
  return emulator;
}

Result<int> run_emulate(CommandContext& context, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const EmulatorOptions wanted, emulator_options(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Emulator> emulator,
                   Emulator::create(wanted, context.environment.clock));
  const bool json = options.has("--json");
  RETURN_IF_ERROR(context.terminal.out(
      json ? Json(Json::Object{{"url", emulator->url()}, {"connection_limit", emulator->connection_limit()}})
                     .dump() +
                 "\n"
           : emulator->url() + "\n"));
  constexpr int64_t kManyConnections = 10'000;
  if (emulator->connection_limit() < kManyConnections) {
    context.terminal.err(
        fmt::format("at most {} at once: raise the limit of open files (ulimit -n) for more\n",
                    counted(emulator->connection_limit(), "connection")));
  }
  if (options.has("--ready-file"))
    RETURN_IF_ERROR(write_file_atomically(options.value("--ready-file"), emulator->url() + "\n"));
  RETURN_IF_ERROR(emulator->run(context.environment.interrupted));
  const EmulatorSummary& summary = emulator->summary();
  RETURN_IF_ERROR(context.terminal.out(json ? summary.to_json().dump() + "\n" : summary.text()));
  return 0;
}

}  // namespace

Command emulate_command() {
  return {
      .name = "emulate",
      .title = "An OpenAI-compatible server with exactly known timing",
      .description =
          "Serves chat, completions, responses, embeddings, rerank, the Open Inference Protocol v2 and Prometheus metrics "
          "with invented answers whose timing is exactly known: the standard that load generators are held against. "
          "Every token is due at an instant that is computed from the request's arrival, by the kernel's receive "
          "stamp; how late it was in fact sent is told at the end, and in the file of stamps for every event.\n"
          "The first line of output is the URL. Ctrl-C ends the server, writes the stamps and the summary.",
      .options = all_options(),
      .positionals = {},
      .example =
          "assay emulate --ttft-ms 50 --gap-ms 10\n"
          "assay emulate --timing queue --sequences 32 --prefill-us-per-token 100 --tpot-ms 20 --kv-tokens 65536\n"
          "assay emulate --port 0 --ready-file url --stamps stamps.jsonl --requests 1000\n"
          "assay emulate --fault reset:every=100:tokens=5,429:at=3",
      .run = run_emulate,
  };
}

}  // namespace assay
