// One load from several machines; see load_ranks.h. The talk: rank 0 says hello, with folder and traffic;
// each other rank says that it is here, and where; rank 0 says go. What follows is RankStart's.
#include "cli/load_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/load_flags.h"
#include "cli/load_merge.h"
#include "cli/load_outputs.h"
#include "cli/load_secrets.h"
#include "cli/places.h"
#include "cli/session.h"
#include "load/load.h"

namespace assay {
namespace {

constexpr Nanos kLongestHello = nanos_from_seconds(120);
// A file server may show a file some seconds after it was written.
constexpr Nanos kLongestLook = nanos_from_seconds(5);
constexpr Nanos kLookEvery = nanos_from_ms(100);
// How long a rank may go on after rank 0 has ended, beyond what a trial may take: cancelling, writing, a file
// server's delay.
constexpr double kGraceS = 120;
constexpr int64_t kMostLaunchBytes = 1 << 16;
constexpr const char* kLaunchFile =
    "ranks.json";  // of the launch: for a rank to see that it is the same folder
constexpr const char* kCompleteFile = "complete.json";  // of a rank: its dossier is whole

std::string rank_folder(const std::string& folder, uint32_t rank) {
  return fmt::format("{}/rank-{}", folder, rank);
}

bool is_launch_file_of(const std::string& path, const std::string& run) {
  const Result<std::string> text = read_file(path, kMostLaunchBytes);
  if (!text) return false;
  const Result<Json> json = Json::parse(*text, path);
  return json && (*json)["run"].as_string() == run;
}

// What rank 0 knows of another.
struct RankPlace {
  std::string host;
  bool shares_folder = false;  // it sees the files that rank 0 sees
  bool is_lock_seen = false;   // and whether it is alive shows in the lock of its folder
};

// One side of the talk, and what follows it.
class RankedLoad {
 public:
  RankedLoad(CommandContext& context, const ParsedOptions& options, const LauncherPlace& place,
             RankLink& link)
      : context_(context),
        options_(options),
        place_(place),
        link_(link),
        clock_(context.environment.clock),
        display_(context.terminal, clock_,
                 link.rank() == 0 ? ProgressKind::kNoFindings : ProgressKind::kQuiet) {}

  Result<int> run() { return link_.rank() == 0 ? lead() : follow(); }

 private:
  // ---- rank 0 ----

  Result<int> lead() {
    Result<Session> session = lead_to_go();
    if (!session) {
      end_talk(session.error().what);
      return std::unexpected(session.error());
    }
    std::vector<std::string> hosts;
    for (const RankPlace& each : ranks_) hosts.push_back(each.host);
    RankStart start(link_, clock_, run_, hosts);
    session->ranks = &start;
    ASSIGN_OR_RETURN(const DossierContent content, evaluate(*session, start));
    // The others began with this one and have as much to send: what they still need is answers' time.
    const double rest_s = std::min(session->scenario.load.max_duration_s, content.trials.front().duration_s) +
                          session->scenario.targets.front().timeout_s;
    complete(std::move(*session));
    const bool has_started =
        std::ranges::find(content.artifacts, kRankArtifact, &Artifact::name) != content.artifacts.end();
    if (!has_started)
      return fail(fmt::format("no rank has sent anything: {}", content.trials.front().end_text), folder_,
                  "Mend that, and run it again into another folder.");
    ASSIGN_OR_RETURN(RankParts parts, wait_for_parts(clock_.now() + nanos_from_seconds(rest_s + kGraceS)));
    return merge_into(context_, options_, files_, folder_, std::move(parts));
  }

  // All that can go wrong before the others may begin.
  Result<Session> lead_to_go() {
    ASSIGN_OR_RETURN(const LoadChoice choice, scenario_of_flags(options_.values("URL"), options_));
    tell_error_ = choice.tell_error;
    RETURN_IF_ERROR(check_connections());
    ASSIGN_OR_RETURN(files_, request_files_of(options_));
    RETURN_IF_ERROR(check_secrets(context_.environment, options_));
    folder_ = absolute_path(options_.has("--out") ? options_.value("--out")
                                                  : fresh_run_folder(clock_.wall_time(), "load"));
    RETURN_IF_ERROR(check_no_run_in(folder_, true));
    run_ = fresh_run_id(folder_, context_.environment);
    display_.note(fmt::format("{}; shared by {} ranks", printable(choice.words, 400), link_.ranks()));
    if (*place_.advice != '\0') display_.note(place_.advice);
    RETURN_IF_ERROR(make_directories(folder_));
    RETURN_IF_ERROR(write_file_atomically(
        folder_ + "/" + kLaunchFile,
        Json::object().set("format", "assay ranks").set("run", run_).set("ranks", link_.ranks()).dump(2) +
            "\n"));
    const std::string hello = Json::object()
                                  .set("kind", "hello")
                                  .set("version", kVersion)
                                  .set("run", run_)
                                  .set("folder", folder_)
                                  .set("scenario", choice.scenario_text)
                                  .dump();
    for (uint32_t rank = 1; rank < link_.ranks(); ++rank) RETURN_IF_ERROR(send(rank, hello));
    ASSIGN_OR_RETURN(Session session, begin(choice.scenario_text));
    began_ = true;
    RETURN_IF_ERROR(gather(session.scenario));
    Json hosts = Json::array();
    for (const RankPlace& each : ranks_) hosts.push(each.host);
    const std::string go = Json::object().set("kind", "go").set("hosts", hosts).dump();
    for (uint32_t rank = 1; rank < link_.ranks(); ++rank) RETURN_IF_ERROR(send(rank, go));
    return session;
  }

  // A limit on connections is split, and nobody can do without one.
  Result<void> check_connections() const {
    if (!options_.has("--max-concurrency") || !options_.has("--request-rate")) return {};
    const auto most = parse_integer(options_.value("--max-concurrency"));
    if (!most || *most >= static_cast<int64_t>(link_.ranks())) return {};
    return fail(fmt::format("{} ranks cannot share {} connections", link_.ranks(), *most),
                "--max-concurrency", "Give as many as ranks at least, or start fewer ranks.");
  }

  Result<void> gather(const Scenario& scenario) {
    ranks_.resize(link_.ranks());
    ranks_[0] = {.host = host_name(), .shares_folder = true};
    for (uint32_t rank = 1; rank < link_.ranks(); ++rank) {
      ASSIGN_OR_RETURN(const Json here, receive(rank));
      const std::string name = fmt::format("rank {} on {}", rank, printable(here["host"].as_string(), 80));
      if (here["kind"].as_string() != "here")
        return fail(fmt::format("{}: {}", name, here["why"].as_string()));
      if (here["files"] != keys_of(scenario))
        return fail(fmt::format("{}: the trace there is another file than here", name), "",
                    "Give every host the same file at the same path.");
      RankPlace& place = ranks_[rank];
      place.host = printable(here["host"].as_string(), 80);
      place.shares_folder = here["shares_folder"].as_bool();
      // It holds its lock now. If that does not show, it would not show later that it is gone.
      place.is_lock_seen = place.shares_folder && !lock_directory(rank_folder(folder_, rank));
    }
    return {};
  }

  // Nobody is asked, only the folder: a rank that is whole has left a file, one that is gone has let go of
  // its lock.
  Result<RankParts> wait_for_parts(Nanos deadline) {
    RankParts parts;
    bool is_told = false;
    for (uint32_t rank = 0; rank < link_.ranks(); ++rank) {
      const RankPlace& place = ranks_[rank];
      std::optional<std::string> why;
      if (!place.shares_folder) {
        why = fmt::format(
            "its dossier is {} there, which this host does not see; `assay load --merge` takes copies",
            dossier_path(rank_folder(folder_, rank)));
      }
      while (!why && !is_complete(rank)) {
        if (!std::exchange(is_told, true)) display_.note("waiting for the other ranks' dossiers …");
        if (context_.environment.interrupted())
          return fail("interrupted while waiting for the other ranks' dossiers", folder_,
                      fmt::format("Later: assay load --merge {}", folder_));
        const bool is_gone = place.is_lock_seen && lock_directory(rank_folder(folder_, rank));
        if (is_gone && !is_complete(rank)) why = "it ended before its dossier was complete";
        if (clock_.now() >= deadline) why = "its dossier did not come in time";
        if (!why) clock_.sleep_until(clock_.now() + kLookEvery);
      }
      if (!why) {
        Result<RankTrial> trial = read_rank_trial(dossier_path(rank_folder(folder_, rank)));
        if (trial) {
          parts.ranks.push_back(std::move(*trial));
          continue;
        }
        why = trial.error().what;
      }
      parts.missing.push_back({.rank = rank, .host = place.host, .why = *why});
    }
    if (parts.ranks.empty())
      return fail("not even this rank's own dossier can be read", folder_, "See what else is written there.");
    RETURN_IF_ERROR(check_same_launch(parts.ranks));
    return parts;
  }

  bool is_complete(uint32_t rank) const {
    return is_launch_file_of(fmt::format("{}/{}", rank_folder(folder_, rank), kCompleteFile), run_);
  }

  // ---- the others ----

  Result<int> follow() {
    ASSIGN_OR_RETURN(const Json hello, receive(0));
    if (hello["kind"].as_string() != "hello") return leave_quietly();
    folder_ = hello["folder"].as_string();
    run_ = hello["run"].as_string();
    Result<Session> session = begin_as_told(hello);
    Json here = Json::object().set("host", host_name());
    if (session) {
      here.set("kind", "here")
          .set("shares_folder", sees_launch_file())
          .set("files", keys_of(session->scenario));
    } else {
      here.set("kind", "failed").set("why", session.error().what);
    }
    began_ = session.has_value();
    RETURN_IF_ERROR(send(0, here.dump()));
    ASSIGN_OR_RETURN(const Json go, receive(0));
    if (!session || go["kind"].as_string() != "go") return leave_quietly();
    std::vector<std::string> hosts;
    for (const Json& host : go["hosts"].items()) hosts.push_back(host.as_string());
    hosts.resize(link_.ranks());
    RankStart start(link_, clock_, run_, hosts);
    session->ranks = &start;
    ASSIGN_OR_RETURN(const DossierContent content, evaluate(*session, start));
    complete(std::move(*session));
    // Whether the result is good is rank 0's to say; a code of ours would make a launcher end the others.
    return 0;
  }

  Result<Session> begin_as_told(const Json& hello) {
    if (hello["version"].as_string() != kVersion)
      return fail(fmt::format("it runs assay {}, rank 0 runs {}", kVersion, hello["version"].as_string()));
    RETURN_IF_ERROR(check_secrets(context_.environment, options_));
    return begin(hello["scenario"].as_string());
  }

  bool sees_launch_file() const {
    const Nanos deadline = clock_.now() + kLongestLook;
    while (!is_launch_file_of(folder_ + "/" + kLaunchFile, run_)) {
      if (clock_.now() >= deadline) return false;
      clock_.sleep_until(clock_.now() + kLookEvery);
    }
    return true;
  }

  // Rank 0 says why.
  Result<int> leave_quietly() {
    forget_run();
    static_cast<void>(link_.leave());
    return 2;
  }

  // ---- both ----

  Result<Session> begin(const std::string& scenario_text) {
    const SessionStart start{.scenario_text = scenario_text,
                             .scenario_path = "",
                             .text_origin = "the flags of assay load",
                             .tell_error = tell_error_,
                             .folder = rank_folder(folder_, link_.rank()),
                             .overrides = {},
                             .share = {link_.rank(), link_.ranks()}};
    return begin_session(context_, start, display_);
  }

  // The others wait for a rank that does not come as far as the start, so it says so whatever kept it: a full
  // disk ends it outside the exam.
  Result<DossierContent> evaluate(Session& session, RankStart& start) {
    Result<DossierContent> content = evaluate_session(context_, session, display_);
    start.give_up(content ? content->trials.front().end_text : content.error().message());
    return content;
  }

  // What the traces held that the scenario names.
  static Json keys_of(const Scenario& scenario) {
    Json keys = Json::array();
    for (const ScenarioFile& file : scenario.files) keys.push(file.key);
    return keys;
  }

  // The dossier is closed first, a plain file then, and the lock let go of last.
  void complete(Session session) {
    {
      const Dossier closing = std::move(session.dossier);
    }
    const std::string text = Json::object().set("run", run_).set("rank", link_.rank()).dump() + "\n";
    static_cast<void>(write_file_atomically(fmt::format("{}/{}", session.folder, kCompleteFile), text));
  }

  // Nothing is left of a run that did not begin.
  void forget_run() const {
    if (!began_) return;
    const std::string folder = rank_folder(folder_, link_.rank());
    for (const char* end : {"", "-wal", "-shm"}) remove_file(dossier_path(folder) + end);
    remove_file(folder + "/scenario.toml");
  }

  void end_talk(const std::string& why) {
    forget_run();
    const std::string text = Json::object().set("kind", "failed").set("why", why).dump();
    bool are_all_here = !is_broken_;
    for (uint32_t rank = 1; rank < link_.ranks(); ++rank)
      are_all_here = send(rank, text).has_value() && are_all_here;
    // Without somebody it would never end; the launcher says then that we left without it.
    if (are_all_here && !is_broken_) static_cast<void>(link_.leave());
  }

  Result<void> send(uint32_t rank, const std::string& text) {
    Result<void> sent = link_.send(rank, text, clock_.now() + kLongestHello);
    is_broken_ = is_broken_ || !sent;
    return sent;
  }

  Result<Json> receive(uint32_t rank) {
    Result<std::string> text = link_.receive(rank, clock_.now() + kLongestHello);
    is_broken_ = is_broken_ || !text;
    if (!text) return std::unexpected(text.error());
    return Json::parse(*text, fmt::format("rank {}", rank));
  }

  CommandContext& context_;
  const ParsedOptions& options_;
  const LauncherPlace& place_;
  RankLink& link_;
  Clock& clock_;
  ProgressDisplay display_;
  ErrorTelling tell_error_;  // of rank 0, which alone turns flags into a scenario
  std::string folder_, run_;
  RequestFiles files_;
  std::vector<RankPlace> ranks_;
  bool began_ = false;
  bool is_broken_ = false;  // somebody did not answer
};

// What is more than one trial would need the ranks to agree again, in the midst of the load.
Result<void> check_one_trial(const ParsedOptions& options) {
  for (const char* name : {"--sweep", "--capacity"}) {
    if (options.has(name))
      return fail("ranks agree once, before the first request, and send one trial", name,
                  "Start it once for each rate, with --request-rate or --max-concurrency.");
  }
  if (!options.rest().empty())
    return fail("several ranks cannot each start the server", "-- COMMAND",
                "Start the server first, and give its URL.");
  return {};
}

}  // namespace

Result<int> refuse_ranks(const LauncherPlace& place, const std::string& command, const std::string& why) {
  if (place.rank != 0) return 2;
  return fail(fmt::format("{} has started this {} times: {}", place.name, place.ranks, why),
              "assay " + command,
              "Start it once, without the launcher; `assay load URL` is what ranks share.");
}

Result<int> run_load_ranks(CommandContext& context, const ParsedOptions& options,
                           const LauncherPlace& place) {
  if (const Result<void> one = check_one_trial(options); !one)
    return place.rank == 0 ? Result<int>(std::unexpected(one.error())) : Result<int>(2);
  const std::string host = host_name();
  const auto named = [&](const Error& error) {
    return fail(fmt::format("rank {} on {}: {}", place.rank, host, error.what), error.where, error.remedy);
  };
  Result<std::unique_ptr<RankLink>> link =
      open_mpi(place, context.environment.variable("ASSAY_MPI_LIBRARY"), context.environment.clock);
  if (!link) return named(link.error());
  Result<int> code = RankedLoad(context, options, place, **link).run();
  if (!code && (*link)->rank() != 0) return named(code.error());
  return code;
}

}  // namespace assay
