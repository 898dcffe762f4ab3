// Making, opening and writing a dossier. Each public write is one transaction, synced to the disk before it
// returns, so that neither a killed run nor a power cut loses more than the trial under way.
#include "evidence/dossier.h"

#include <fmt/format.h>

#include <map>

#include "evidence/dossier_state.h"
#include "evidence/schema.h"
#include "os/os.h"

namespace assay {
namespace {

using sqlite::Blob;
using sqlite::Connection;
using sqlite::Reference;
using sqlite::Statement;
using sqlite::Transaction;

std::optional<std::string> json_text(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.dump());
}

Result<void> configure_for_writing(const Connection& connection) {
  // Write-ahead logging lets reports and dashboards read while the run writes. FULL syncs at each commit: one
  // sync a trial costs nothing.
  return connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
}

Result<void> insert_run(const Connection& connection, const RunInfo& run) {
  ASSIGN_OR_RETURN(Statement insert, connection.prepare("INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?)"));
  return insert.run(run.id, run.assay_version, run.created_at, run.finished_at, run.scenario_name,
                    run.scenario_path, run.scenario_text, fmt::format("{}", run.seed), json_text(run.plan),
                    json_text(run.host));
}

Result<void> insert_trials(const Connection& connection, const std::vector<Trial>& trials) {
  ASSIGN_OR_RETURN(Statement insert,
                   connection.prepare("INSERT INTO trial VALUES (?,?,?,NULL,?,?,?,'',0,'')"));
  for (const Trial& trial : trials) {
    RETURN_IF_ERROR(insert.run(trial.id, trial.exam, trial.target, trial.name, json_text(trial.parameters),
                               name_of(TrialState::kPlanned)));
  }
  return {};
}

Result<void> insert_requirements(const Connection& connection, const std::vector<Requirement>& requirements) {
  ASSIGN_OR_RETURN(Statement insert,
                   connection.prepare("INSERT INTO requirement VALUES (?,?,?,?,?,?,?,?,?)"));
  for (const Requirement& requirement : requirements) {
    RETURN_IF_ERROR(insert.run(Reference{requirement.id}, requirement.text, requirement.metric,
                               requirement.comparison, requirement.value, requirement.unit,
                               json_text(requirement.scope), requirement.question, requirement.source));
  }
  return {};
}

// `real_ids`, where given, receives the new id of each record that came with a negative one.
Result<void> insert_records(const Connection& connection, const std::vector<Record>& records,
                            int64_t trial_id, int64_t subject_id,
                            std::map<int64_t, int64_t>* real_ids = nullptr) {
  ASSIGN_OR_RETURN(Statement insert,
                   connection.prepare("INSERT INTO record VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  for (const Record& record : records) {
    RETURN_IF_ERROR(insert.run(Reference{trial_id},
                               Reference{record.subject_id != 0 ? record.subject_id : subject_id},
                               name_of(record.evidence_class), record.metric, record.value, record.unit,
                               record.ci_low, record.ci_high, record.confidence, record.n, record.method,
                               json_text(record.conditions), name_of(record.validity), record.source));
    if (real_ids != nullptr && record.id < 0) (*real_ids)[record.id] = connection.last_insert_id();
  }
  return {};
}

Result<void> insert_findings(const Connection& connection, const std::vector<Finding>& findings,
                             int64_t trial_id, int64_t subject_id) {
  ASSIGN_OR_RETURN(Statement insert, connection.prepare("INSERT INTO finding VALUES (NULL,?,?,?,?,?,?)"));
  for (const Finding& finding : findings) {
    RETURN_IF_ERROR(
        insert.run(Reference{trial_id}, Reference{finding.subject_id != 0 ? finding.subject_id : subject_id},
                   name_of(finding.severity), finding.code, finding.text, json_text(finding.evidence)));
  }
  return {};
}

Result<void> insert_artifacts(const Connection& connection, const std::vector<Artifact>& artifacts,
                              int64_t trial_id) {
  ASSIGN_OR_RETURN(Statement insert, connection.prepare("INSERT INTO artifact VALUES (NULL,?,?,?,?)"));
  for (const Artifact& artifact : artifacts) {
    RETURN_IF_ERROR(insert.run(trial_id, artifact.name, artifact.media_type, Blob{artifact.content}));
  }
  return {};
}

Result<void> insert_verdicts(const Connection& connection, const std::vector<Verdict>& verdicts,
                             const std::map<int64_t, int64_t>& real_ids) {
  ASSIGN_OR_RETURN(Statement insert, connection.prepare("INSERT INTO verdict VALUES (NULL,?,?,?,?,?,?,?)"));
  for (const Verdict& verdict : verdicts) {
    Json ids = Json::array();
    for (const int64_t id : verdict.record_ids) {
      const auto real = real_ids.find(id);
      ids.push(real != real_ids.end() ? real->second : id);
    }
    RETURN_IF_ERROR(insert.run(verdict.question, Reference{verdict.requirement_id}, name_of(verdict.answer),
                               verdict.reason, verdict.exam, verdict.command, ids.dump()));
  }
  return {};
}

Json merged(Json base, const Json& later) {
  if (!base.is_object() || !later.is_object()) return later.is_null() ? base : later;
  for (const auto& [key, value] : later.members()) base.set(key, value);
  return base;
}

// The id of the subject of that name, which is added if it is new; what is said of a known one is merged.
Result<int64_t> store_subject(const Connection& connection, const Subject& subject) {
  ASSIGN_OR_RETURN(Statement find, connection.prepare("SELECT id, details FROM subject WHERE name = ?"));
  RETURN_IF_ERROR(find.bind(subject.name));
  ASSIGN_OR_RETURN(const bool known, find.step());
  if (!known) {
    ASSIGN_OR_RETURN(Statement insert, connection.prepare("INSERT INTO subject VALUES (NULL,?,?,?)"));
    RETURN_IF_ERROR(insert.run(subject.name, subject.kind, json_text(subject.details)));
    return connection.last_insert_id();
  }
  const int64_t id = find.integer(0);
  Json details;
  if (!find.is_null(1)) {
    ASSIGN_OR_RETURN(details, Json::parse(find.bytes(1), connection.path()));
  }
  ASSIGN_OR_RETURN(Statement update,
                   connection.prepare("UPDATE subject SET kind = ?, details = ? WHERE id = ?"));
  RETURN_IF_ERROR(update.run(subject.kind, json_text(merged(std::move(details), subject.details)), id));
  return id;
}

// A run that goes on has no conclusions yet: those of an earlier, shorter run would be stale.
Result<void> clear_conclusions(const Connection& connection) {
  return connection.execute(
      "DELETE FROM verdict; DELETE FROM record WHERE trial_id IS NULL; DELETE FROM finding WHERE trial_id IS NULL;"
      "UPDATE run SET finished_at = ''");
}

Result<void> clear_trial(const Connection& connection, int64_t trial_id) {
  for (const char* table : {"record", "sample", "finding", "artifact"}) {
    ASSIGN_OR_RETURN(Statement clear,
                     connection.prepare(fmt::format("DELETE FROM {} WHERE trial_id = ?", table)));
    RETURN_IF_ERROR(clear.run(trial_id));
  }
  return {};
}

Result<void> require_change(const Connection& connection, int64_t trial_id) {
  if (connection.changes() == 1) return {};
  return fail(fmt::format("the dossier has no trial {}", trial_id), connection.path());
}

Result<void> write_new(const Connection& connection, const RunInfo& run, const std::vector<Trial>& trials,
                       const std::vector<Requirement>& requirements) {
  RETURN_IF_ERROR(configure_for_writing(connection));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::write(connection));
  RETURN_IF_ERROR(create_schema(connection));
  RETURN_IF_ERROR(insert_run(connection, run));
  RETURN_IF_ERROR(insert_trials(connection, trials));
  RETURN_IF_ERROR(insert_requirements(connection, requirements));
  return transaction.commit();
}

void remove_with_its_logs(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) remove_file(path + suffix);
}

Result<void> check_pages(const Connection& connection) {
  ASSIGN_OR_RETURN(Statement check, connection.prepare("PRAGMA quick_check(1)"));
  ASSIGN_OR_RETURN(const bool row, check.step());
  if (row && check.bytes(0) == "ok") return {};
  return fail(fmt::format("the dossier is damaged: {}", printable(check.bytes(0))), connection.path(),
              "Take a copy from before the damage; `assay report` may still show what is left.");
}

std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + "?immutable=1";
}

Result<void> require_file(const std::string& path) {
  if (!file_exists(path)) return fail("there is no such file", path, "Check the path of the dossier.");
  if (list_directory(path))
    return fail("is a folder, and there is no dossier.assay in it", path,
                "Name the folder of a run, or its dossier.");
  // SQLite takes a file that is shorter than its own head for an empty one.
  constexpr int64_t kLeastBytes = 512;
  const Result<int64_t> size = file_size(path);
  if (size && *size > 0 && *size < kLeastBytes)
    return fail("is not a dossier", path, "Name a dossier that assay has written.");
  return {};
}

Result<Connection> open_to_read(const std::string& path) {
  ASSIGN_OR_RETURN(Connection connection, Connection::open(path, path, SQLITE_OPEN_READONLY));
  Result<void> checked = check_schema(connection);
  if (checked) return connection;
  // A write-ahead log cannot be shared where nothing may be written, as on a read-only medium. Without a log
  // there is nobody to share it with, and the file can be read as it lies.
  const int code = sqlite3_errcode(connection.handle()) & 0xff;
  if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || file_exists(path + "-wal")) {
    return std::unexpected(std::move(checked).error());
  }
  ASSIGN_OR_RETURN(connection,
                   Connection::open(path, immutable_uri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
  RETURN_IF_ERROR(check_schema(connection));
  return connection;
}

}  // namespace

// A finished file is a single one that can be read anywhere, so write-ahead logging is left at the end. Where
// a reader stands in the way, or the disk is full, the log stays beside the file: nothing is lost by that.
Dossier::State::~State() {
  if (!writable || connection.handle() == nullptr) return;
  sqlite3_busy_timeout(connection.handle(), 0);
  (void)connection.execute("PRAGMA journal_mode = DELETE");
}

Dossier::Dossier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dossier::Dossier(Dossier&&) noexcept = default;
Dossier& Dossier::operator=(Dossier&&) noexcept = default;
Dossier::~Dossier() = default;

Result<Dossier> Dossier::create(const std::string& path, const RunInfo& run, const std::vector<Trial>& trials,
                                const std::vector<Requirement>& requirements) {
  if (file_exists(path)) {
    return fail("the file exists already", path,
                "Name another file, or go on with it by `assay run --resume`.");
  }
  ASSIGN_OR_RETURN(Connection connection,
                   Connection::open(path, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  auto state = std::make_unique<State>(std::move(connection), true);
  if (Result<void> written = write_new(state->connection, run, trials, requirements); !written) {
    state.reset();
    remove_with_its_logs(path);
    return std::unexpected(std::move(written).error());
  }
  return Dossier(std::move(state));
}

Result<Dossier> Dossier::open(const std::string& path) {
  RETURN_IF_ERROR(require_file(path));
  ASSIGN_OR_RETURN(Connection connection, Connection::open(path, path, SQLITE_OPEN_READWRITE));
  RETURN_IF_ERROR(check_schema(connection));
  RETURN_IF_ERROR(check_pages(connection));
  RETURN_IF_ERROR(configure_for_writing(connection));
  return Dossier(std::make_unique<State>(std::move(connection), true));
}

Result<Dossier> Dossier::open_read_only(const std::string& path) {
  RETURN_IF_ERROR(require_file(path));
  ASSIGN_OR_RETURN(Connection connection, open_to_read(path));
  return Dossier(std::make_unique<State>(std::move(connection), false));
}

const std::string& Dossier::path() const {
  return state_->connection.path();
}

Result<void> Dossier::begin_trial(int64_t trial_id, const std::string& started_at) {
  const Connection& connection = state_->connection;
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::write(connection));
  RETURN_IF_ERROR(clear_conclusions(connection));
  RETURN_IF_ERROR(clear_trial(connection, trial_id));
  ASSIGN_OR_RETURN(Statement update,
                   connection.prepare("UPDATE trial SET state = ?, started_at = ?, duration_s = 0, "
                                      "end_text = '' WHERE id = ?"));
  RETURN_IF_ERROR(update.run(name_of(TrialState::kRunning), started_at, trial_id));
  RETURN_IF_ERROR(require_change(connection, trial_id));
  return transaction.commit();
}

Result<void> Dossier::commit_trial(int64_t trial_id, TrialOutcome outcome) {
  CHECK(outcome.state != TrialState::kPlanned && outcome.state != TrialState::kRunning);
  std::vector<std::string> samples;  // compressed before the transaction, which then is short
  for (Sample& sample : outcome.samples) {
    samples.push_back(encode_columns(sample.columns));
    sample.columns =
        Columns();  // the stamps of millions of events are not held beside what SQLite makes of them
  }

  const Connection& connection = state_->connection;
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::write(connection));
  RETURN_IF_ERROR(clear_conclusions(connection));
  RETURN_IF_ERROR(clear_trial(connection, trial_id));
  int64_t subject_id = 0;
  if (outcome.subject) {
    ASSIGN_OR_RETURN(subject_id, store_subject(connection, *outcome.subject));
  }
  ASSIGN_OR_RETURN(Statement update,
                   connection.prepare("UPDATE trial SET state = ?, end_text = ?, duration_s = ?, "
                                      "subject_id = coalesce(?, subject_id) WHERE id = ?"));
  RETURN_IF_ERROR(update.run(name_of(outcome.state), outcome.end_text, outcome.duration_s,
                             Reference{subject_id}, trial_id));
  RETURN_IF_ERROR(require_change(connection, trial_id));
  RETURN_IF_ERROR(insert_records(connection, outcome.records, trial_id, subject_id));
  ASSIGN_OR_RETURN(Statement insert_sample, connection.prepare("INSERT INTO sample VALUES (NULL,?,?,?)"));
  for (size_t i = 0; i < samples.size(); ++i) {
    RETURN_IF_ERROR(insert_sample.run(trial_id, outcome.samples[i].name, Blob{samples[i]}));
  }
  RETURN_IF_ERROR(insert_findings(connection, outcome.findings, trial_id, subject_id));
  RETURN_IF_ERROR(insert_artifacts(connection, outcome.artifacts, trial_id));
  return transaction.commit();
}

Result<void> Dossier::commit_conclusions(const std::vector<Verdict>& verdicts,
                                         const std::vector<Record>& records,
                                         const std::vector<Finding>& findings,
                                         const std::string& finished_at) {
  const Connection& connection = state_->connection;
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::write(connection));
  RETURN_IF_ERROR(clear_conclusions(connection));
  std::map<int64_t, int64_t> real_ids;
  RETURN_IF_ERROR(insert_records(connection, records, 0, 0, &real_ids));
  RETURN_IF_ERROR(insert_findings(connection, findings, 0, 0));
  RETURN_IF_ERROR(insert_verdicts(connection, verdicts, real_ids));
  ASSIGN_OR_RETURN(Statement update, connection.prepare("UPDATE run SET finished_at = ?"));
  RETURN_IF_ERROR(update.run(finished_at));
  return transaction.commit();
}

}  // namespace assay
