// From rank-0, rank-1 … to one dossier; see load_merge.h.
#include "cli/load_merge.h"

#include <fmt/format.h>

#include <algorithm>

#include "os/os.h"

namespace assay {
namespace {

constexpr std::string_view kRankFolderPrefix = "rank-";

// The dossiers that `place` stands for: a folder of ranks' folders, a rank's folder, or a file.
Result<std::vector<std::string>> dossiers_at(const std::string& place) {
  const Result<std::vector<std::string>> names = list_directory(place);
  if (!names) {
    if (file_exists(place)) return std::vector<std::string>{place};
    return std::unexpected(names.error());
  }
  std::vector<std::string> paths;
  for (const std::string& name : *names) {
    const std::string path = dossier_path(place + "/" + name);
    if (name.starts_with(kRankFolderPrefix) && file_exists(path)) paths.push_back(path);
  }
  if (paths.empty() && file_exists(dossier_path(place))) paths.push_back(dossier_path(place));
  if (paths.empty())
    return fail("there are no folders rank-0, rank-1 … with a dossier here", place, "Check --merge.");
  return paths;
}

// A rank whose process was killed left its dossier as it was; then it is known which rank that is.
Result<std::optional<MissingRank>> unfinished_rank(const std::string& path) {
  ASSIGN_OR_RETURN(const Dossier dossier, Dossier::open_read_only(path));
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  const Json& rank = content.run.plan["rank"];
  if (!content.run.finished_at.empty() || !rank.is_integer()) return std::nullopt;
  return MissingRank{.rank = static_cast<uint32_t>(std::clamp<int64_t>(rank.as_integer(), 0, UINT32_MAX)),
                     .host = "a host unknown",
                     .why = "it ended before its dossier was complete"};
}

// Every rank that is neither there nor known to have ended early.
void add_absent(RankParts& parts) {
  std::vector<MissingRank>& missing = parts.missing;
  for (uint32_t rank = 0; rank < parts.ranks.front().facts.ranks; ++rank) {
    const bool is_known =
        std::ranges::any_of(parts.ranks, [&](const RankTrial& each) { return each.facts.rank == rank; }) ||
        std::ranges::find(missing, rank, &MissingRank::rank) != missing.end();
    if (!is_known)
      missing.push_back({.rank = rank, .host = "a host unknown", .why = "its dossier was not given"});
  }
  // Given twice, once whole.
  std::erase_if(missing, [&](const MissingRank& each) {
    return std::ranges::any_of(parts.ranks,
                               [&](const RankTrial& rank) { return rank.facts.rank == each.rank; });
  });
  std::ranges::sort(missing, {}, &MissingRank::rank);
}

Result<RankParts> parts_at(const std::vector<std::string>& places) {
  RankParts parts;
  for (const std::string& place : places) {
    ASSIGN_OR_RETURN(const std::vector<std::string> paths, dossiers_at(place));
    for (const std::string& path : paths) {
      ASSIGN_OR_RETURN(const std::optional<MissingRank> unfinished, unfinished_rank(path));
      if (unfinished) {
        parts.missing.push_back(*unfinished);
        continue;
      }
      ASSIGN_OR_RETURN(RankTrial rank, read_rank_trial(path));
      parts.ranks.push_back(std::move(rank));
    }
  }
  if (parts.ranks.empty())
    return fail("no rank has a complete dossier here", places.front(), "Run the load again.");
  RETURN_IF_ERROR(check_same_launch(parts.ranks));
  add_absent(parts);
  return parts;
}

Trial planned_again(Trial trial) {
  trial.state = TrialState::kPlanned;
  trial.id = 1;
  trial.subject_id = 0;
  trial.started_at.clear();
  trial.end_text.clear();
  trial.duration_s = 0;
  return trial;
}

// Of the first rank, but for what is of this folder. A calibration is shown where every rank's machine had
// one.
RunInfo run_of_parts(const RankParts& parts, const std::string& folder, const CliEnvironment& environment) {
  RunInfo run = parts.ranks.front().run;
  run.id = fresh_run_id(folder, environment);
  run.assay_version = kVersion;
  run.finished_at.clear();
  run.scenario_path = folder + "/scenario.toml";
  Json plan = Json::object();
  for (const auto& [name, value] : run.plan.members()) {
    if (name != "rank") plan.set(name, value);
  }
  run.plan = std::move(plan);
  const bool is_calibrated = std::ranges::all_of(
      parts.ranks, [](const RankTrial& rank) { return rank.run.host["calibration"].is_object(); });
  if (!is_calibrated) run.host = Json();
  return run;
}

}  // namespace

Result<int> merge_into(CommandContext& context, const ParsedOptions& options, const RequestFiles& files,
                       const std::string& folder, RankParts parts) {
  RETURN_IF_ERROR(check_no_run_in(folder, true));
  const RunInfo run = run_of_parts(parts, folder, context.environment);
  ASSIGN_OR_RETURN(Scenario scenario, scenario_of_run(parts.ranks.front().run));
  scenario.path = run.scenario_path;
  RETURN_IF_ERROR(make_directories(folder));
  RETURN_IF_ERROR(write_file_atomically(run.scenario_path, run.scenario_text));
  ASSIGN_OR_RETURN(Dossier dossier,
                   Dossier::create(dossier_path(folder), run, {planned_again(parts.ranks.front().trial)},
                                   scenario.requirements));
  RETURN_IF_ERROR(merge_evaluation(dossier, scenario, parts.ranks, parts.missing, context.environment.clock));
  point_latest_at(folder);
  ASSIGN_OR_RETURN(const std::string report, write_report(dossier, folder));
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  ASSIGN_OR_RETURN(const int code,
                   show_load_result(context, options, files,
                                    {.dossier = dossier,
                                     .content = content,
                                     .report_path = report,
                                     .next_command = fmt::format("assay run {}/scenario.toml", folder)}));
  return code;
}

Result<int> run_merge(CommandContext& context, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const RequestFiles files, request_files_of(options));
  ASSIGN_OR_RETURN(RankParts parts, parts_at(options.values("--merge")));
  const std::string folder = options.has("--out") ? options.value("--out")
                                                  : fresh_run_folder(context.environment.clock.wall_time(),
                                                                     parts.ranks.front().run.scenario_name);
  return merge_into(context, options, files, folder, std::move(parts));
}

}  // namespace assay
