// Dossier: one evaluation in one SQLite file, written as the run goes. The only user of SQLite.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/records.h"

namespace assay {

inline constexpr int kDossierSchemaVersion = 1;

// Everything but the raw samples, which are read on demand. Ordered by id.
struct DossierContent {
  std::string path;  // of the file that it was read from; "": of none
  RunInfo run;
  std::vector<Subject> subjects;
  std::vector<Trial> trials;
  std::vector<Record> records;
  std::vector<Finding> findings;
  std::vector<Requirement> requirements;
  std::vector<Verdict> verdicts;
  std::vector<Artifact> artifacts;  // content included
};

// One open dossier. Not thread-safe. Errors carry the path and SQLite's own words; a full disk says so. After
// an error the file holds what it held before the call (or, if only the last sync failed, all that the call
// was to write), and the call may be repeated. Foreign text is stored as valid UTF-8: other bytes become
// U+FFFD.
class Dossier {
 public:
  // Fails if the file exists. Writes run and requirements, and every trial as planned. A failure leaves no
  // file behind.
  static Result<Dossier> create(const std::string& path, const RunInfo& run, const std::vector<Trial>& trials,
                                const std::vector<Requirement>& requirements);
  static Result<Dossier> open(const std::string& path);            // to go on writing; checks every page
  static Result<Dossier> open_read_only(const std::string& path);  // also of a dossier that is being written
  Dossier(Dossier&&) noexcept;
  Dossier& operator=(Dossier&&) noexcept;
  ~Dossier();

  const std::string& path() const;

  // Marks a trial as under way, with nothing left by an earlier attempt; a trial found in this state on
  // resume was interrupted and runs again. Conclusions are cleared here and by commit_trial: those of a
  // shorter run are stale.
  Result<void> begin_trial(int64_t trial_id, const std::string& started_at);
  // One transaction: the trial's state (done, failed or skipped) and all that it left. Replaces whatever an
  // earlier attempt left. Ids are given here; what the outcome's own ids say does not matter.
  Result<void> commit_trial(int64_t trial_id, TrialOutcome outcome);
  // Replaces all verdicts, and the records and findings that belong to no trial. A verdict names such a
  // record by a negative id that the record brings; what is stored is the real one.
  Result<void> commit_conclusions(const std::vector<Verdict>& verdicts, const std::vector<Record>& records,
                                  const std::vector<Finding>& findings, const std::string& finished_at);

  Result<DossierContent> read() const;
  // `without`: the name of a sample that is left out, as who needs no stamps of chunks leaves "chunks".
  Result<std::vector<Sample>> read_samples(int64_t trial_id, std::string_view without = "") const;

  // The interchange form: the same tables and names as JSON; samples only if asked for.
  Result<Json> to_json(bool with_samples) const;

 private:
  struct State;
  explicit Dossier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay
