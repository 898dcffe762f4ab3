// The flags of `assay load`, and the scenario that they make; see load_flags.h.
#include "cli/load_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/flag_text.h"
#include "cli/flag_values.h"
#include "cli/load_dataset.h"
#include "cli/load_request_flags.h"
#include "cli/rate_flags.h"
#include "http/http.h"
#include "os/os.h"
#include "scenario/scenario.h"

namespace assay {
namespace {

constexpr OptionSpec kFlags[] = {
    {"--model", "NAME", "The model as the server names it.", "the first that it lists", nullptr},
    {"--request-rate", "R", "Requests per second; inf: all at once, 0.2 ms apart.",
     "60 % of what a burst shows", nullptr},
    {"--burstiness", "B", "Shape of the gaps' gamma distribution: 1 is Poisson, below 1 comes in clusters.",
     "1", nullptr},
    {"--max-concurrency", "N",
     "At most so many requests at once; without a rate: so many users in a closed loop.", nullptr, nullptr},
    {"--num-prompts", "N", "How many requests.", "200", nullptr},
    {"--input-len", "TOKENS", "Length of the prompts: N, or MIN:MAX.", "lognormal, median 256, at most 2048",
     nullptr},
    {"--output-len", "TOKENS", "Length of the answers: N, or MIN:MAX.", "lognormal, median 128, at most 512",
     nullptr},
    {"--prefix-len", "TOKENS", "So many tokens at the head of each prompt are the same.", "0", nullptr},
    {"--random-prefix-len", "TOKENS", "Another name of --prefix-len.", nullptr, nullptr},
    {"--dataset-name", "NAME",
     "random, or the format of --dataset-path: auto, azure, burstgpt, mooncake, sharegpt, timed_trace, weka.",
     "random; with --dataset-path: auto", nullptr},
    {"--dataset-path", "FILE",
     "A trace: its lengths, its sessions and prefixes, its instants unless flags say how requests come.",
     nullptr, "file"},
    {"--goodput", "KEY:MS", "Limits that a request must keep: ttft, tpot, e2el (or e2e), in ms.", nullptr,
     nullptr, 0, true},
    {"--sweep", "KEY=LIST", "A trial at each of several: rate=1,2,4,8 or concurrency=1,2,4,8.", nullptr,
     nullptr},
    {"--capacity", nullptr, "Search for the largest rate at which nine of ten requests keep --goodput.",
     nullptr, nullptr},
    {"--tiers", "NAME.KEY:MS", "With --capacity: further limits that the same trials are judged by.", nullptr,
     nullptr, 0, true},
    {"--duration", "S", "A trial takes at most so long; with --capacity, the whole search.",
     "100; with --num-prompts as long as they take, a day at most; with --capacity 1800", nullptr},
    {"--timeout", "S", "A request takes at most so long.", "300", nullptr},
    {"--api-key-env", "NAME", "The environment variable that holds the API key.", nullptr, nullptr},
    {"--api-key-file", "FILE", "The file that holds the API key.", nullptr, "file"},
    {"--ca-file", "FILE", "Certificates (PEM) that the server is verified against.", "the system's", "file"},
    {"--seed", "N", "Seed of every random choice.", "1", nullptr},
    {"--tokenizer", "PATH",
     "The tokenizer of the served model (tokenizer.json, its folder, or a GGUF): prompts are cut by its tokens, and token "
     "counts are held against it afterwards.",
     nullptr, "file"},
    {"--metrics-url", "URL", "Where the server tells its metrics (Prometheus), sampled beside the requests.",
     "/metrics beside the URL's /v1", nullptr},
    {"--metrics-interval", "S", "Between two samples of metrics and power sensors; 0: none are taken.", "1",
     nullptr},
    {"--stack", "KEY=TEXT,…",
     "What serves: engine, version, command, image, flags, quantisation, kv_type, parallelism, tuned_by, tuned_for_h, "
     "notes. Every result carries it.",
     "undeclared", nullptr},
    {"--launch-env", "NAME,…", "Variables that COMMAND gets beside those that engines read: keys, tokens.",
     nullptr, nullptr},
};

constexpr uint32_t kUsualRequests = 200;
constexpr double kUsualUtilisation = 0.6;
constexpr int64_t kLongestUnaskedS =
    86'400;  // of a trial whose number of requests is given and whose time is not
constexpr uint32_t kMostTokens = 1'000'000;  // of a text

// Lengths as a scenario writes them: "N" or "MIN:MAX".
Result<std::string> lengths_of(const ParsedOptions& options, const char* flag, const char* usual) {
  if (!options.has(flag)) return std::string(usual);
  const std::string text = options.value(flag);
  const size_t colon = text.find(':');
  const std::optional<int64_t> low = parse_integer(text.substr(0, colon));
  const std::optional<int64_t> high =
      colon == std::string::npos ? low : parse_integer(text.substr(colon + 1));
  if (!low || !high || *low < 1 || *high < *low || *high > kMostTokens) {
    return fail(fmt::format("'{}' is no length", printable(text, 60)), flag,
                fmt::format("Give a number of tokens from 1 to {}, or MIN:MAX.", kMostTokens));
  }
  return colon == std::string::npos ? fmt::format("{}", *low)
                                    : fmt::format("{{ min = {}, max = {} }}", *low, *high);
}

Result<std::string> base_url_of(const std::string& text) {
  const std::string with_scheme = text.find("://") == std::string::npos ? "http://" + text : text;
  ASSIGN_OR_RETURN(const Url url, parse_url(with_scheme));
  return url.path.empty() ? url.text() + "/v1" : url.text();
}

// The servers: their key of the target, and how they read.
struct ServerChoice {
  FlagText key;
  std::string name, words;
};
Result<ServerChoice> servers_of(const std::vector<std::string>& given) {
  CHECK(!given.empty());
  if (given.size() > kMostServers)
    return fail(fmt::format("{} URLs are given, {} at most are allowed", given.size(), kMostServers), "URL");
  std::vector<std::string> urls;
  for (const std::string& text : given) {
    Result<std::string> url = base_url_of(text);
    if (!url) {
      Error error = std::move(url).error();
      if (given.size() > 1) error.remedy += " Each word that belongs to no option is taken for a server.";
      return std::unexpected(std::move(error));
    }
    if (std::ranges::find(urls, *url) != urls.end())
      return fail(fmt::format("{} is given twice", *url), "URL", "Name each server once.");
    urls.push_back(std::move(*url));
  }
  ASSIGN_OR_RETURN(const Url first, parse_url(urls.front()));
  ServerChoice choice{.key = {}, .name = first.authority(), .words = urls.front()};
  if (urls.size() == 1) {
    choice.key.add(fmt::format("url = {}\n", toml_string(urls.front())), typed_flag("URL", given.front()));
    return choice;
  }
  std::string list;
  for (const std::string& url : urls) list += (list.empty() ? "" : ", ") + toml_string(url);
  choice.key.add(fmt::format("urls = [{}]\n", list), "URL");
  choice.name += fmt::format(" and {} more", urls.size() - 1);
  choice.words += fmt::format(" and {} more in turn", urls.size() - 1);
  return choice;
}

// [load], and how it reads.
struct Offer {
  FlagText keys;
  std::string words;
  std::optional<uint32_t> connections;  // a limit that the user gave
  bool is_by_burst = false;             // a burst chooses the rate
};

Result<Offer> offer_of(const ParsedOptions& options) {
  Offer offer;
  std::optional<double> rate;
  const bool is_all_at_once = options.value("--request-rate") == "inf";
  if (options.has("--request-rate") && !is_all_at_once) {
    ASSIGN_OR_RETURN(rate, number_of(options, "--request-rate", 1e-6, 1e6));
  }
  uint32_t concurrency = 0;
  if (options.has("--max-concurrency")) {
    ASSIGN_OR_RETURN(concurrency, count_of(options, "--max-concurrency", 65'536));
  }
  double burstiness = 1;
  if (options.has("--burstiness")) {
    ASSIGN_OR_RETURN(burstiness, number_of(options, "--burstiness", 1e-4, 1e4));
    if (is_all_at_once) return fail("requests that are sent at once have no gaps", "--burstiness");
  }
  const bool is_closed = concurrency > 0 && !rate;
  if (is_closed) {
    if (burstiness != 1)
      return fail("in a closed loop the answers make the gaps", "--burstiness", "Give a --request-rate.");
    offer.keys.add("arrivals = \"closed\"\n");
    offer.keys.add(fmt::format("users = {}\n", concurrency), typed_flag(options, "--max-concurrency"));
    offer.words = "a closed loop of " + counted(concurrency, "user");
    return offer;
  }
  if (is_all_at_once) {
    offer.keys.add("arrivals = \"burst\"\n", typed_flag(options, "--request-rate"));
    offer.words = "all at once (0.2 ms apart)";
    return offer;
  }
  offer.is_by_burst = !rate;
  if (burstiness == 1) {
    offer.keys.add("arrivals = \"poisson\"\n");
  } else {
    offer.keys.add("arrivals = \"gamma\"\n");
    offer.keys.add(fmt::format("cv = {}\n", 1 / std::sqrt(burstiness)), typed_flag(options, "--burstiness"));
  }
  if (rate) offer.keys.add(fmt::format("rate_per_s = {}\n", *rate), typed_flag(options, "--request-rate"));
  offer.words = rate ? fmt::format("{} a second", format_number(*rate))
                     : fmt::format("at {:g} % of what a burst shows", 100 * kUsualUtilisation);
  offer.words +=
      burstiness == 1 ? ", Poisson" : fmt::format(", gamma with burstiness {}", format_number(burstiness));
  if (concurrency > 0) {
    offer.connections = concurrency;
    offer.words += fmt::format(", at most {} at once", concurrency);
  }
  return offer;
}

struct StackKey {
  std::string_view name;
  bool is_number = false;
};
constexpr StackKey kStackKeys[] = {{"engine"},       {"version"}, {"command"},          {"image"},
                                   {"flags"},        {"kv_type"}, {"parallelism"},      {"tuned_by"},
                                   {"quantisation"}, {"notes"},   {"tuned_for_h", true}};

const StackKey* stack_key_of(std::string_view part) {
  const std::string_view name = part.substr(0, std::min(part.find('='), part.size()));
  for (const StackKey& key : kStackKeys) {
    if (name == key.name && name.size() < part.size()) return &key;
  }
  return nullptr;
}

// "engine=vllm,flags=--a,--b": a part that begins with no key belongs to the text before it.
Result<FlagText> declared_stack_of(const std::string& text) {
  std::vector<std::pair<const StackKey*, std::string>> values;
  for (const std::string_view part : split(text, ',')) {
    const StackKey* key = stack_key_of(part);
    if (key == nullptr && values.empty()) {
      std::vector<std::string> names;
      for (const StackKey& known : kStackKeys) names.emplace_back(known.name);
      const std::string name(part.substr(0, std::min(part.find('='), part.size())));
      return fail(fmt::format("'{}' is no key and text.{}", printable(part, 60), suggestion(name, names)),
                  "--stack", "Write KEY=TEXT with " + join(names, ", ") + ".");
    }
    if (key == nullptr) {
      values.back().second += fmt::format(",{}", part);
    } else {
      values.emplace_back(key, part.substr(key->name.size() + 1));
    }
  }
  FlagText out;
  std::vector<const StackKey*> there;
  for (const auto& [key, value] : values) {
    // What is refused as a secret must not be repeated.
    const std::string typed =
        typed_flag("--stack", secret_of_text(value).empty() ? fmt::format("{}={}", key->name, value)
                                                            : std::string(key->name));
    if (std::ranges::find(there, key) != there.end())
      return fail(fmt::format("{} stands there twice", key->name), "--stack", "Give each key once.");
    there.push_back(key);
    const std::optional<double> number = parse_number(value);
    if (key->is_number && !number)
      return fail(fmt::format("'{}' is no number", printable(value, 60)), "--stack",
                  fmt::format("Write {}=8, for example.", key->name));
    out.add(
        fmt::format("{} = {}\n", key->name, key->is_number ? fmt::format("{}", *number) : toml_string(value)),
        typed);
  }
  return out;
}

// [target.stack], or "" where nothing is said of it.
Result<FlagText> stack_of(const ParsedOptions& options) {
  const std::vector<std::string>& command = options.rest();
  if (command.empty() && options.has("--launch-env"))
    return fail("there is no command to launch", "--launch-env", "Add -- COMMAND at the end.");
  if (command.empty() && !options.has("--stack")) return FlagText();
  FlagText out;
  out.add("\n[target.stack]\n");
  if (options.has("--stack")) {
    ASSIGN_OR_RETURN(const FlagText declared, declared_stack_of(options.value("--stack")));
    if (!command.empty() && ("\n" + declared.text()).find("\ncommand = ") != std::string::npos)
      return fail("the command stands behind -- already", "--stack", "Leave command=… out.");
    out.add(declared);
  }
  if (command.empty()) return out;
  std::string words;
  for (const std::string& word : command) words += (words.empty() ? "" : ", ") + toml_string(word);
  out.add(fmt::format("launch = [{}]\n", words), "-- COMMAND");
  out.add(fmt::format("cwd = {}\n", toml_string(absolute_path("."))));
  if (!options.has("--launch-env")) return out;
  const std::string names = options.value("--launch-env");
  std::string variables;
  for (const std::string_view name : split(names, ','))
    variables += fmt::format("{}{} = true", variables.empty() ? "" : ", ", toml_string(trim(name)));
  out.add(fmt::format("env = {{ {} }}\n", variables), typed_flag(options, "--launch-env"));
  return out;
}

// With a trace that may have instants of its own, these hold unless a flag says how requests come.
Result<Offer> offer_of_trace(const ParsedOptions& options, const Dataset& dataset) {
  const bool says_how =
      options.has("--request-rate") || options.has("--burstiness") || options.has("--max-concurrency");
  if (dataset.has_instants && !says_how) {
    return Offer{.keys = {}, .words = "at the trace's instants"};
  }
  return offer_of(options);
}

// What the flags say, part by part, before it becomes a scenario.
struct FlagParts {
  ServerChoice servers;
  uint32_t requests = kUsualRequests;
  Dataset dataset;
  RequestChoice request;
  std::string prompt, output;  // lengths
  Offer offer;
  RateChoice rates;
};

Result<FlagParts> parts_of_flags(const std::vector<std::string>& urls, const ParsedOptions& options) {
  FlagParts parts;
  ASSIGN_OR_RETURN(parts.servers, servers_of(urls));
  if (urls.size() > 1 && !options.rest().empty())
    return fail("a command starts one server", "-- COMMAND",
                "Give one URL, or start the servers yourself and leave the command out.");
  if (options.has("--num-prompts")) {
    ASSIGN_OR_RETURN(parts.requests, count_of(options, "--num-prompts", 1'000'000));
  }
  ASSIGN_OR_RETURN(parts.dataset, dataset_of(options, parts.requests));
  ASSIGN_OR_RETURN(parts.request, request_of_flags(options));
  const RequestKindRow& kind = *parts.request.kind;
  if (!kind.streams && options.has("--output-len"))
    return fail(fmt::format("answers of kind {} have no tokens", kind.name), "--output-len", "Leave it out.");
  ASSIGN_OR_RETURN(parts.prompt,
                   lengths_of(options, "--input-len", "{ median = 256, sigma = 0.8, max = 2048 }"));
  ASSIGN_OR_RETURN(parts.output,
                   lengths_of(options, "--output-len", "{ median = 128, sigma = 0.6, max = 512 }"));
  ASSIGN_OR_RETURN(parts.offer,
                   parts.dataset.is_trace() ? offer_of_trace(options, parts.dataset) : offer_of(options));
  ASSIGN_OR_RETURN(parts.rates, rates_of_flags(options));
  if (!parts.rates.takes_requests && options.has("--num-prompts"))
    return fail("the search for capacity decides how many requests it needs", "--num-prompts",
                "Leave it out.");
  return parts;
}

Result<FlagText> seed_key(const ParsedOptions& options) {
  FlagText text;
  if (!options.has("--seed")) return text;
  const std::optional<int64_t> seed = parse_integer(options.value("--seed"));
  if (!seed || *seed < 0)
    return fail(fmt::format("'{}' is no seed", printable(options.value("--seed"), 60)), "--seed",
                "Give a whole number from 0.");
  text.add(fmt::format("seed = {}\n", *seed), typed_flag(options, "--seed"));
  return text;
}

Result<FlagText> target_table_of(const FlagParts& parts, const ParsedOptions& options) {
  FlagText text;
  text.add("\n[[target]]\nkind = \"endpoint\"\n");
  text.add(parts.servers.key);
  if (parts.request.kind->has_sessions) text.add(fmt::format("api = \"{}\"\n", parts.request.kind->name));
  const auto add = [&](const char* flag, const char* key, const std::string& value) {
    text.add(fmt::format("{} = {}\n", key, value), typed_flag(options, flag));
  };
  for (const auto& [flag, key] : {std::pair{"--model", "endpoint_model"}, {"--api-key-env", "api_key_env"}}) {
    if (options.has(flag)) add(flag, key, toml_string(options.value(flag)));
  }
  for (const auto& [flag, key] : {std::pair{"--api-key-file", "api_key_file"},
                                  {"--ca-file", "ca_file"},
                                  {"--tokenizer", "tokenizer"}}) {
    if (!options.has(flag)) continue;
    // An empty path would be this folder.
    if (options.value(flag).empty()) return fail("it names no file", flag, "Give a path, or leave it out.");
    add(flag, key, toml_string(absolute_path(options.value(flag))));
  }
  if (options.has("--timeout")) {
    ASSIGN_OR_RETURN(const double timeout_s, number_of(options, "--timeout", 0.001, 86'400));
    add("--timeout", "timeout_s", fmt::format("{}", timeout_s));
  }
  if (options.has("--metrics-url"))
    add("--metrics-url", "metrics_url", toml_string(options.value("--metrics-url")));
  if (options.has("--metrics-interval")) {
    ASSIGN_OR_RETURN(const double interval_s, number_of(options, "--metrics-interval", 0, 60));
    add("--metrics-interval", "metrics_interval_s", fmt::format("{}", interval_s));
  }
  if (parts.offer.connections)
    text.add(fmt::format("max_connections = {}\n", *parts.offer.connections),
             typed_flag(options, "--max-concurrency"));
  ASSIGN_OR_RETURN(const FlagText stack, stack_of(options));
  text.add(stack);
  return text;
}

// `key` = `value`, of the flag where it is given.
void add_length(FlagText& text, const ParsedOptions& options, const char* flag, const char* key,
                const std::string& value) {
  text.add(fmt::format("{} = {}\n", key, value), options.has(flag) ? typed_flag(options, flag) : "");
}

Result<FlagText> prefix_of(const ParsedOptions& options) {
  FlagText text;
  const bool has_both = options.has("--prefix-len") && options.has("--random-prefix-len");
  if (has_both) return fail("--prefix-len says the same", "--random-prefix-len", "Give one of them.");
  const char* flag = options.has("--prefix-len") ? "--prefix-len" : "--random-prefix-len";
  if (!options.has(flag)) return text;
  ASSIGN_OR_RETURN(const uint32_t prefix, count_of(options, flag, kMostTokens, 0));
  if (prefix > 0) text.add(fmt::format("prefix_tokens = {}\n", prefix), typed_flag(options, flag));
  return text;
}

Result<FlagText> traffic_table_of(const FlagParts& parts, const ParsedOptions& options) {
  FlagText text;
  text.add(fmt::format("\n[[traffic]]\nname = \"{}\"\n", parts.dataset.name));
  add_length(text, options, "--input-len", "prompt_tokens", parts.prompt);
  if (parts.request.kind->streams) add_length(text, options, "--output-len", "output_tokens", parts.output);
  text.add(parts.request.keys);
  ASSIGN_OR_RETURN(const FlagText prefix, prefix_of(options));
  text.add(prefix);
  if (options.has("--goodput")) {
    ASSIGN_OR_RETURN(const std::vector<LimitWord> limits,
                     limits_of_words(options.value("--goodput"), "--goodput"));
    for (const LimitWord& limit : limits) {
      text.add(&limit == limits.data() ? "slo = { " : ", ");
      text.add(limit.setting, typed_flag("--goodput", limit.word));
    }
    text.add(" }\n");
  }
  return text;
}

Result<FlagText> load_tables_of(const FlagParts& parts, const ParsedOptions& options) {
  FlagText text;
  text.add("\n[load]\n");
  text.add(parts.offer.keys);
  if (parts.offer.is_by_burst && !parts.rates.is_asked)
    text.add(fmt::format("utilisation = {}\n", kUsualUtilisation));
  text.add(fmt::format("requests_per_class = {}\n", parts.requests),
           options.has("--num-prompts") ? typed_flag(options, "--num-prompts") : "");
  text.add("alone = false\n");
  if (parts.rates.is_asked) text.add("mix = false\n");
  if (options.has("--duration")) {
    ASSIGN_OR_RETURN(const double duration_s, number_of(options, "--duration", 0.1, kLongestDurationS));
    text.add(fmt::format("max_duration_s = {}\n", duration_s), typed_flag(options, "--duration"));
  } else if (options.has("--num-prompts")) {
    // Who says how many wants them all, as with other load generators; --timeout bounds each.
    text.add(fmt::format("max_duration_s = {}\n", kLongestUnaskedS));
  }
  if (parts.dataset.is_trace()) {
    text.add("\n");
    text.add(parts.dataset.keys);
  }
  text.add(parts.rates.tables);
  return text;
}

std::string words_of(const FlagParts& parts) {
  const auto of_lengths = [](const std::string& lengths) {
    return lengths.starts_with('{') ? lengths.substr(2, lengths.size() - 4) : lengths;
  };
  const bool is_trace = parts.dataset.is_trace();
  std::string words = parts.rates.takes_requests
                          ? (is_trace ? "at most " : "") + counted(parts.requests, "request")
                          : std::string("Requests");
  words += fmt::format(" of {} to {}, {}", parts.request.kind->name, parts.servers.words,
                       parts.rates.is_asked ? parts.rates.words : parts.offer.words);
  if (!is_trace) words += fmt::format("; tokens in: {}", of_lengths(parts.prompt));
  if (!is_trace && parts.request.kind->streams) words += fmt::format("; out: {}", of_lengths(parts.output));
  return words;
}

}  // namespace

std::span<const OptionSpec> load_flags() {
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> flags(std::begin(kFlags), std::end(kFlags));
    const std::span<const OptionSpec> request = load_request_flags();
    flags.insert(flags.begin() + 1, request.begin(), request.end());  // behind --model
    return flags;
  }();
  return all;
}

Result<LoadChoice> scenario_of_flags(const std::vector<std::string>& urls, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const FlagParts parts, parts_of_flags(urls, options));
  FlagText text;
  text.add("# Written by `assay load`; `assay run` takes it too.\n");
  text.add(fmt::format("name = {}\nexams = [\"load\"]\n", toml_string("load " + parts.servers.name)));
  ASSIGN_OR_RETURN(const FlagText seed, seed_key(options));
  ASSIGN_OR_RETURN(const FlagText target, target_table_of(parts, options));
  ASSIGN_OR_RETURN(const FlagText traffic, traffic_table_of(parts, options));
  ASSIGN_OR_RETURN(const FlagText load, load_tables_of(parts, options));
  for (const FlagText* part : {&seed, &target, &traffic, &load}) text.add(*part);
  LoadChoice choice;
  choice.scenario_text = text.text();
  choice.tell_error = [text](TomlPosition at, Error error) {
    return text.told_of_flags(at, std::move(error));
  };
  choice.words = words_of(parts);
  return choice;
}

}  // namespace assay
