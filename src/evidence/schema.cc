// The tables of a dossier; docs/formats/dossier.md is their contract and changes with them.
#include "evidence/schema.h"

#include <fmt/format.h>

#include "evidence/dossier.h"

namespace assay {
namespace {

constexpr int64_t kApplicationId = 0x61736179;  // "asay", in the file's header where file(1) and SQLite look

// SQLite keeps the text of each statement from the table's name on, which is what check_schema compares.
constexpr const char* kTables[] = {
    R"(run(
  id TEXT PRIMARY KEY, assay_version TEXT NOT NULL, created_at TEXT NOT NULL, finished_at TEXT NOT NULL,
  scenario_name TEXT NOT NULL, scenario_path TEXT NOT NULL, scenario_text TEXT NOT NULL, seed TEXT NOT NULL,
  plan TEXT, host TEXT) STRICT)",
    R"(subject(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, details TEXT) STRICT)",
    R"(trial(
  id INTEGER PRIMARY KEY, exam TEXT NOT NULL, target TEXT NOT NULL, subject_id INTEGER REFERENCES subject(id),
  name TEXT NOT NULL, parameters TEXT, state TEXT NOT NULL, started_at TEXT NOT NULL, duration_s REAL NOT NULL,
  end_text TEXT NOT NULL) STRICT)",
    R"(record(
  id INTEGER PRIMARY KEY, trial_id INTEGER REFERENCES trial(id), subject_id INTEGER REFERENCES subject(id),
  class TEXT NOT NULL, metric TEXT NOT NULL, value REAL, unit TEXT NOT NULL, ci_low REAL, ci_high REAL,
  confidence REAL NOT NULL, n INTEGER NOT NULL, method TEXT NOT NULL, conditions TEXT, validity TEXT NOT NULL,
  source TEXT NOT NULL) STRICT)",
    R"(sample(
  id INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trial(id), name TEXT NOT NULL,
  columns BLOB NOT NULL) STRICT)",
    R"(finding(
  id INTEGER PRIMARY KEY, trial_id INTEGER REFERENCES trial(id), subject_id INTEGER REFERENCES subject(id),
  severity TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT) STRICT)",
    R"(requirement(
  id INTEGER PRIMARY KEY, text TEXT NOT NULL, metric TEXT NOT NULL, comparison TEXT NOT NULL, value REAL NOT NULL,
  unit TEXT NOT NULL, scope TEXT, question INTEGER NOT NULL, source TEXT NOT NULL) STRICT)",
    R"(verdict(
  id INTEGER PRIMARY KEY, question INTEGER NOT NULL, requirement_id INTEGER REFERENCES requirement(id),
  answer TEXT NOT NULL, reason TEXT NOT NULL, exam TEXT NOT NULL, command TEXT NOT NULL,
  record_ids TEXT NOT NULL) STRICT)",
    R"(artifact(
  id INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trial(id), name TEXT NOT NULL,
  media_type TEXT NOT NULL, content BLOB NOT NULL) STRICT)",
};

constexpr const char* kIndexes[] = {
    "record_by_trial ON record(trial_id)",
    "sample_by_trial ON sample(trial_id)",
    "finding_by_trial ON finding(trial_id)",
    "artifact_by_trial ON artifact(trial_id)",
};

std::vector<std::string> statements() {
  std::vector<std::string> all;
  for (const char* table : kTables) all.push_back(fmt::format("CREATE TABLE {}", table));
  for (const char* index : kIndexes) all.push_back(fmt::format("CREATE INDEX {}", index));
  return all;
}

Result<void> check_version(const sqlite::Connection& connection) {
  ASSIGN_OR_RETURN(const int64_t application_id, connection.integer("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const int64_t objects, connection.integer("SELECT count(*) FROM sqlite_schema"));
  if (application_id == 0 && objects == 0) {
    return fail("is not a dossier: it is empty, as a run leaves it that was killed before its first word",
                connection.path(), "Remove it and start again.");
  }
  if (application_id != kApplicationId) {
    return fail("is not a dossier: an SQLite file of another program", connection.path(),
                "Name a dossier that assay has written.");
  }
  ASSIGN_OR_RETURN(const int64_t version, connection.integer("PRAGMA user_version"));
  if (version > kDossierSchemaVersion) {
    return fail(fmt::format("is a dossier of schema version {}; this assay reads versions up to {}", version,
                            kDossierSchemaVersion),
                connection.path(), "Use the version of assay that wrote it, or a newer one.");
  }
  // Version 1 is the first. What a later version adds to the files of this one is applied here, to a copy in
  // memory when the file is open for reading only.
  if (version != kDossierSchemaVersion) {
    return fail(fmt::format("is not a dossier: there is no schema version {}", version), connection.path());
  }
  return {};
}

}  // namespace

Result<void> create_schema(const sqlite::Connection& connection) {
  for (const std::string& statement : statements()) RETURN_IF_ERROR(connection.execute(statement));
  return connection.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                        kApplicationId, kDossierSchemaVersion));
}

Result<void> check_schema(const sqlite::Connection& connection) {
  RETURN_IF_ERROR(check_version(connection));
  // Objects that SQLite makes itself (the index behind a UNIQUE column) carry no text.
  ASSIGN_OR_RETURN(sqlite::Statement rows,
                   connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"));
  for (const std::string& expected : statements()) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row || rows.bytes(0) != expected) {
      return fail("the dossier's tables are not those of its schema version", connection.path(),
                  "It was changed by another program; use an untouched copy.");
    }
  }
  ASSIGN_OR_RETURN(const bool more, rows.step());
  if (more) {
    return fail("the dossier holds tables, views or triggers that are not assay's", connection.path(),
                "It was changed by another program; use an untouched copy.");
  }
  return {};
}

}  // namespace assay
