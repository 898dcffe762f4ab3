// The dossier: what is written comes back, a killed run leaves a consistent file, and foreign files are
// refused in words.
#include "evidence/dossier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "evidence/dossier_test_support.h"
#include "os/os.h"

namespace assay::dossier_test {

using ::testing::HasSubstr;
using namespace std::string_literals;
using testing_dossier::some_outcome;
using testing_dossier::some_requirements;
using testing_dossier::some_run;
using testing_dossier::some_trials;
using testing_dossier::TemporaryFolder;

#define ASSERT_OK(expression)                                      \
  do {                                                             \
    const auto& result_ = (expression);                            \
    ASSERT_TRUE(result_.has_value()) << result_.error().message(); \
  } while (false)

Dossier created(const std::string& path, int trials = 3) {
  Result<Dossier> dossier = Dossier::create(path, some_run(), some_trials(trials), some_requirements());
  EXPECT_TRUE(dossier) << dossier.error().message();
  return std::move(*dossier);
}

DossierContent content_of(const std::string& path) {
  const Result<Dossier> dossier = Dossier::open_read_only(path);
  EXPECT_TRUE(dossier) << dossier.error().message();
  Result<DossierContent> content = dossier->read();
  EXPECT_TRUE(content) << content.error().message();
  return std::move(*content);
}

// A foreign program at work on the file.
void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(database);
}

TEST(Dossier, ANewOneHoldsTheRunAndItsPlan) {
  const TemporaryFolder folder;
  const Dossier dossier = created(folder.file("run.dossier"));
  const Result<DossierContent> content = dossier.read();
  ASSERT_OK(content);
  EXPECT_EQ(content->run.id, some_run().id);
  EXPECT_EQ(content->run.seed, 0xfedcba9876543210u);
  EXPECT_EQ(content->run.plan, some_run().plan);
  EXPECT_TRUE(content->run.host.is_null());
  EXPECT_EQ(content->run.finished_at, "");
  ASSERT_EQ(content->trials.size(), 3u);
  EXPECT_EQ(content->trials[2].name, "load 3");
  EXPECT_EQ(content->trials[2].state, TrialState::kPlanned);
  EXPECT_EQ(content->trials[2].parameters["place"].as_integer(), 3);
  ASSERT_EQ(content->requirements.size(), 1u);
  EXPECT_EQ(content->requirements[0].text, some_requirements()[0].text);
  EXPECT_EQ(content->requirements[0].scope, some_requirements()[0].scope);
  EXPECT_TRUE(content->records.empty());
}

TEST(Dossier, WhatATrialLeavesComesBackWhole) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  const TrialOutcome outcome = some_outcome(2, 5);
  {
    Dossier dossier = created(path);
    ASSERT_OK(dossier.begin_trial(2, "2026-11-24T06:01:00Z"));
    EXPECT_EQ(dossier.read()->trials[1].state, TrialState::kRunning);
    ASSERT_OK(dossier.commit_trial(2, outcome));
  }
  const DossierContent content = content_of(path);
  const Trial& trial = content.trials[1];
  EXPECT_EQ(trial.state, TrialState::kDone);
  EXPECT_EQ(trial.started_at, "2026-11-24T06:01:00Z");
  EXPECT_EQ(trial.duration_s, 1.5);
  EXPECT_EQ(trial.end_text, "ended");
  ASSERT_EQ(content.subjects.size(), 1u);
  EXPECT_EQ(trial.subject_id, content.subjects[0].id);
  ASSERT_EQ(content.records.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    const Record& record = content.records[static_cast<size_t>(i)];
    EXPECT_EQ(record.trial_id, 2);
    EXPECT_EQ(record.subject_id, trial.subject_id);
    EXPECT_EQ(record.evidence_class, EvidenceClass::kMeasured);
    EXPECT_EQ(record.metric, "ttft_ms_p90");
    EXPECT_EQ(record.value, 200.0 + i);
    EXPECT_EQ(record.ci_low, 90);
    EXPECT_EQ(record.ci_high, 120);
    EXPECT_EQ(record.confidence, 0.95);
    EXPECT_EQ(record.n, 64);
    EXPECT_EQ(record.method, "nearest rank");
    EXPECT_EQ(record.conditions["index"].as_integer(), i);
    EXPECT_EQ(record.validity, Validity::kDoubtful);
    EXPECT_EQ(record.source, "test");
  }
  ASSERT_EQ(content.findings.size(), 1u);
  EXPECT_EQ(content.findings[0].code, "load.failures");
  EXPECT_EQ(content.findings[0].evidence["failed"].as_integer(), 3);
  EXPECT_EQ(content.findings[0].subject_id, trial.subject_id);
  ASSERT_EQ(content.artifacts.size(), 1u);
  EXPECT_EQ(content.artifacts[0].content, outcome.artifacts[0].content);

  const Result<std::vector<Sample>> samples = Dossier::open_read_only(path)->read_samples(2);
  ASSERT_OK(samples);
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ((*samples)[0].name, "requests");
  EXPECT_EQ(*(*samples)[0].columns.integers("sent_ns"), *outcome.samples[0].columns.integers("sent_ns"));
  EXPECT_EQ(*(*samples)[0].columns.doubles("score"), *outcome.samples[0].columns.doubles("score"));
}

TEST(Dossier, ARecordWithoutValueOrIntervalStaysWithout) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  TrialOutcome outcome;
  outcome.records.push_back(
      {.metric = "ttft_ms_p99", .unit = "ms", .n = 12, .validity = Validity::kInsufficient});
  ASSERT_OK(dossier.commit_trial(1, outcome));
  const Record record = dossier.read()->records.at(0);
  EXPECT_EQ(record.value, std::nullopt);
  EXPECT_EQ(record.ci_low, std::nullopt);
  EXPECT_EQ(record.ci_high, std::nullopt);
  EXPECT_EQ(record.subject_id, 0);
  EXPECT_TRUE(record.conditions.is_null());
  EXPECT_EQ(record.validity, Validity::kInsufficient);
}

TEST(Dossier, ARepeatedTrialReplacesWhatTheFirstAttemptLeft) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  TrialOutcome failed = some_outcome(1, 7);
  failed.state = TrialState::kFailed;
  ASSERT_OK(dossier.commit_trial(1, failed));
  ASSERT_OK(dossier.begin_trial(1, "later"));
  EXPECT_TRUE(dossier.read()->records.empty());
  EXPECT_TRUE(dossier.read_samples(1)->empty());
  ASSERT_OK(dossier.commit_trial(1, some_outcome(1, 2)));
  const DossierContent content = *dossier.read();
  EXPECT_EQ(content.records.size(), 2u);
  EXPECT_EQ(content.findings.size(), 1u);
  EXPECT_EQ(content.artifacts.size(), 1u);
  EXPECT_EQ(dossier.read_samples(1)->size(), 1u);
}

TEST(Dossier, LaterTrialsAddToWhatIsKnownOfASubject) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  ASSERT_OK(dossier.commit_trial(1, some_outcome(1, 1)));
  TrialOutcome outcome = some_outcome(2, 1);
  outcome.subject->details = Json(Json::Object{{"memory_bytes", 42}});
  ASSERT_OK(dossier.commit_trial(2, outcome));
  const DossierContent content = *dossier.read();
  ASSERT_EQ(content.subjects.size(), 1u);
  EXPECT_EQ(content.subjects[0].details["cores"].as_integer(), 2);
  EXPECT_EQ(content.subjects[0].details["memory_bytes"].as_integer(), 42);
}

TEST(Dossier, AnUnknownTrialIsAnErrorAndChangesNothing) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  ASSERT_OK(dossier.commit_conclusions({}, {}, {}, "finished"));
  const Result<void> begun = dossier.begin_trial(9, "now");
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error().what, HasSubstr("no trial 9"));
  EXPECT_FALSE(dossier.commit_trial(9, TrialOutcome()));
  EXPECT_EQ(dossier.read()->run.finished_at, "finished");
}

TEST(Dossier, VerdictsNameTheRecordsConcludedWithThem) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  ASSERT_OK(dossier.commit_trial(1, some_outcome(1, 3)));
  const std::vector<Record> derived = {
      {.id = -5, .evidence_class = EvidenceClass::kDerived, .metric = "interference", .value = 1.2}};
  const std::vector<Verdict> verdicts = {
      {.question = 2,
       .requirement_id = 1,
       .answer = Answer::kNo,
       .reason = "too slow",
       .exam = "load",
       .record_ids = {2, -5}},
      {.question = 7, .answer = Answer::kNotExamined, .command = "assay cost"}};
  const std::vector<Finding> findings = {
      {.severity = Severity::kNote, .code = "exam.failed", .text = "One failed."}};
  for (int attempt = 0; attempt < 2; ++attempt) {  // the second replaces the first
    ASSERT_OK(dossier.commit_conclusions(verdicts, derived, findings, "2026-11-24T06:05:00Z"));
  }
  const DossierContent content = *dossier.read();
  EXPECT_EQ(content.run.finished_at, "2026-11-24T06:05:00Z");
  ASSERT_EQ(content.records.size(), 4u);
  EXPECT_EQ(content.records[3].trial_id, 0);
  ASSERT_EQ(content.verdicts.size(), 2u);
  EXPECT_EQ(content.verdicts[0].answer, Answer::kNo);
  EXPECT_EQ(content.verdicts[0].requirement_id, 1);
  EXPECT_EQ(content.verdicts[0].record_ids, (std::vector<int64_t>{2, content.records[3].id}));
  EXPECT_EQ(content.verdicts[1].command, "assay cost");
  EXPECT_EQ(content.findings.size(), 2u);
}

TEST(Dossier, ARunThatGoesOnHasNoConclusions) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  ASSERT_OK(dossier.commit_trial(1, some_outcome(1, 1)));
  ASSERT_OK(dossier.commit_conclusions({{.question = 1}}, {{.metric = "interference"}}, {{.code = "x"}},
                                       "finished"));
  ASSERT_OK(dossier.begin_trial(2, "now"));
  const DossierContent content = *dossier.read();
  EXPECT_TRUE(content.verdicts.empty());
  EXPECT_EQ(content.records.size(), 1u);
  EXPECT_EQ(content.findings.size(), 1u);
  EXPECT_EQ(content.run.finished_at, "");
}

TEST(Dossier, AnInterruptedRunGetsTheSameIdsAsAnUnbrokenOne) {
  const TemporaryFolder folder;
  const auto finish = [](Dossier& dossier) {
    EXPECT_TRUE(dossier.commit_conclusions({{.question = 1}}, {{.metric = "interference"}}, {}, "finished"));
  };
  Dossier unbroken = created(folder.file("unbroken.dossier"), 2);
  for (const int64_t id : {1, 2}) {
    ASSERT_OK(unbroken.begin_trial(id, "t"));
    ASSERT_OK(unbroken.commit_trial(id, some_outcome(id, 4)));
  }
  finish(unbroken);
  {
    Dossier broken = created(folder.file("broken.dossier"), 2);
    ASSERT_OK(broken.begin_trial(1, "t"));
    ASSERT_OK(broken.commit_trial(1, some_outcome(1, 4)));
    ASSERT_OK(broken.begin_trial(2, "t"));
    finish(broken);
  }
  Result<Dossier> resumed = Dossier::open(folder.file("broken.dossier"));
  ASSERT_OK(resumed);
  ASSERT_OK(resumed->begin_trial(2, "t"));
  ASSERT_OK(resumed->commit_trial(2, some_outcome(2, 4)));
  finish(*resumed);
  EXPECT_EQ(resumed->to_json(true)->dump(), unbroken.to_json(true)->dump());
}

TEST(Dossier, BytesThatAreNotTextDoNotMakeItUnreadable) {
  const TemporaryFolder folder;
  Dossier dossier = created(folder.file("run.dossier"));
  TrialOutcome outcome;
  outcome.end_text = "bad \xc3\x28 and \xed\xa0\x80 and \0 zero"s;
  outcome.findings.push_back(
      {.code = "x", .text = "\xff", .evidence = Json(Json::Object{{"said", "\xfe!"}})});
  ASSERT_OK(dossier.commit_trial(1, outcome));
  const Result<DossierContent> content = dossier.read();
  ASSERT_OK(content);
  EXPECT_THAT(content->trials[0].end_text, ::testing::StartsWith("bad \xef\xbf\xbd("));
  EXPECT_EQ(content->trials[0].end_text.find('\0'),
            outcome.end_text.find('\0') + 8);  // four bytes became three each
  EXPECT_EQ(content->findings[0].evidence["said"].as_string(), "\xef\xbf\xbd!");
  EXPECT_TRUE(Json::parse(dossier.to_json(true)->dump(), "export"));
}

TEST(Dossier, TheExportHasTheTablesAndColumnsOfTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  Dossier dossier = created(path);
  ASSERT_OK(dossier.commit_trial(1, some_outcome(1, 1)));
  ASSERT_OK(dossier.commit_conclusions({{.question = 1}}, {}, {}, "finished"));
  const Result<Json> json = dossier.to_json(true);
  ASSERT_OK(json);
  EXPECT_EQ((*json)["schema_version"].as_integer(), kDossierSchemaVersion);

  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  sqlite3_stmt* columns = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(database,
                               "SELECT t.name, c.name FROM pragma_table_list t, pragma_table_info(t.name) c "
                               "WHERE t.name NOT LIKE 'sqlite%'",
                               -1, &columns, nullptr),
            SQLITE_OK);
  const std::string document = *read_file(ASSAY_SOURCE_DIR "/docs/formats/dossier.md", 1 << 20);
  int seen = 0;
  for (; sqlite3_step(columns) == SQLITE_ROW; ++seen) {
    const std::string table = reinterpret_cast<const char*>(sqlite3_column_text(columns, 0));
    const std::string column = reinterpret_cast<const char*>(sqlite3_column_text(columns, 1));
    const Json& rows = (*json)[table];
    const Json& row = rows.is_array() ? rows.items().at(0) : rows;
    const bool present = row.find(column) != nullptr || row.find(column + "_base64") != nullptr;
    EXPECT_TRUE(present) << table << "." << column << " is missing in the export";
    EXPECT_THAT(document, HasSubstr("`" + column + "`"));
    EXPECT_THAT(document, HasSubstr("`" + table + "`"));
  }
  EXPECT_GT(seen, 60);
  sqlite3_finalize(columns);
  sqlite3_close(database);

  EXPECT_EQ((*json)["artifact"].items().at(0)["content_base64"].as_string(), "/wAgYnl0ZXM=");
  EXPECT_EQ(dossier.to_json(false)->find("sample"), nullptr);
}

TEST(Dossier, IsReadWhileItIsWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  Dossier writer = created(path);
  const Result<Dossier> reader = Dossier::open_read_only(path);
  ASSERT_OK(reader);
  for (const int64_t id : {1, 2, 3}) {
    ASSERT_OK(writer.commit_trial(id, some_outcome(id, 2)));
    EXPECT_EQ(reader->read()->records.size(), static_cast<size_t>(2 * id));
  }
}

TEST(Dossier, AClosedOneIsASingleFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  {
    Dossier dossier = created(path);
  }
  EXPECT_EQ(content_of(path).trials.size(), 3u);
  EXPECT_THAT(*list_directory(parent_directory(path)), ::testing::ElementsAre("run.dossier"));
}

TEST(Dossier, AReaderCannotWrite) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  {
    Dossier dossier = created(path);
  }
  Result<Dossier> reader = Dossier::open_read_only(path);
  ASSERT_OK(reader);
  const Result<void> written = reader->begin_trial(1, "now");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().what, HasSubstr("may not be written to"));
  EXPECT_EQ(written.error().where, path);
}

TEST(Dossier, AKilledRunKeepsEveryCommittedTrial) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  Dossier dossier = created(path, 6);
  for (int64_t id = 1; id <= 5; ++id) {
    ASSERT_OK(dossier.begin_trial(id, "now"));
    // What a kill leaves at this instant: the file and its log as they lie on the disk, without the shared
    // memory.
    const std::string copy = folder.file("killed-" + std::to_string(id));
    std::filesystem::copy_file(path, copy);
    if (file_exists(path + "-wal")) std::filesystem::copy_file(path + "-wal", copy + "-wal");
    Result<Dossier> resumed = Dossier::open(copy);
    ASSERT_OK(resumed);
    const DossierContent content = *resumed->read();
    EXPECT_EQ(content.records.size(), static_cast<size_t>(3 * (id - 1)));
    EXPECT_EQ(content.trials[static_cast<size_t>(id - 1)].state, TrialState::kRunning);
    ASSERT_OK(resumed->commit_trial(id, some_outcome(id, 3)));
    ASSERT_OK(dossier.commit_trial(id, some_outcome(id, 3)));
  }
}

TEST(Dossier, AnExistingFileIsNotOverwritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("mine.txt");
  ASSERT_OK(write_file_atomically(path, "precious"));
  const Result<Dossier> dossier = Dossier::create(path, some_run(), {}, {});
  ASSERT_FALSE(dossier);
  EXPECT_THAT(dossier.error().what, HasSubstr("exists already"));
  EXPECT_EQ(*read_file(path, 100), "precious");
}

TEST(Dossier, AFolderThatIsNotThereIsAnErrorWithThePath) {
  const Result<Dossier> dossier = Dossier::create("/no/such/folder/run.dossier", some_run(), {}, {});
  ASSERT_FALSE(dossier);
  EXPECT_EQ(dossier.error().where, "/no/such/folder/run.dossier");
  EXPECT_FALSE(dossier.error().remedy.empty());
}

TEST(Dossier, AFailedCreationLeavesNoFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  std::vector<Trial> twins = some_trials(1);
  twins.push_back(twins[0]);
  EXPECT_FALSE(Dossier::create(path, some_run(), twins, {}));
  EXPECT_FALSE(file_exists(path));
  EXPECT_FALSE(file_exists(path + "-wal"));
}

void expect_refused(const std::string& path, const std::string& words) {
  for (const Result<Dossier>& dossier : {Dossier::open(path), Dossier::open_read_only(path)}) {
    ASSERT_FALSE(dossier) << words;
    EXPECT_THAT(dossier.error().what, HasSubstr(words));
    EXPECT_EQ(dossier.error().where, path);
  }
}

TEST(Dossier, FilesThatAreNotDossiersAreRefusedInWords) {
  const TemporaryFolder folder;
  expect_refused(folder.file("absent"), "no such file");
  ASSERT_OK(write_file_atomically(folder.file("text"), std::string(5000, 'x')));
  expect_refused(folder.file("text"), "is not a dossier");
  ASSERT_OK(write_file_atomically(folder.file("empty"), ""));
  expect_refused(folder.file("empty"), "it is empty");
  run_sql(folder.file("other.db"), "CREATE TABLE t(x)");
  expect_refused(folder.file("other.db"), "another program");
  ASSERT_OK(write_file_atomically(folder.file("short"), "x"));
  expect_refused(folder.file("short"), "is not a dossier");
  EXPECT_EQ(Dossier::open(folder.file("short")).error().remedy, "Name a dossier that assay has written.")
      << "never to remove what somebody else wrote";
  expect_refused(parent_directory(folder.file("x")), "is a folder");
}

TEST(Dossier, ANewerVersionIsRefusedInWords) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  {
    Dossier dossier = created(path);
  }
  run_sql(path, "PRAGMA user_version = 2");
  expect_refused(path, "schema version 2");
  run_sql(path, "PRAGMA user_version = -7");
  expect_refused(path, "no schema version -7");
}

TEST(Dossier, TablesThatAreNotOursAreRefused) {
  const TemporaryFolder folder;
  for (const std::string sql :
       {"CREATE TRIGGER t AFTER UPDATE ON run BEGIN DELETE FROM record; END", "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE finding ADD COLUMN more TEXT", "DROP TABLE artifact",
        "DROP TABLE verdict; CREATE VIEW verdict AS SELECT 1"}) {
    const std::string path = folder.file("run.dossier");
    remove_file(path);
    {
      Dossier dossier = created(path);
    }
    run_sql(path, sql);
    expect_refused(path, "the dossier");
  }
}

TEST(Dossier, RowsThatMakeNoSenseAreNamed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  {
    Dossier dossier = created(path);
    ASSERT_OK(dossier.commit_trial(1, some_outcome(1, 2)));
  }
  const struct {
    const char* sql;
    const char* what;
    const char* where;
  } cases[] = {
      {"UPDATE record SET class = 'guessed' WHERE id = 2", "unknown word 'guessed'", "table record, row 2"},
      {"UPDATE record SET class = 'measured', conditions = '{' WHERE id = 1", "not JSON",
       "table record, row 1"},
      {"DELETE FROM record; UPDATE run SET seed = '1x'", "a number is not one", "table run"},
      {"DELETE FROM run", "0 runs", "run.dossier"},
  };
  for (const auto& each : cases) {
    run_sql(path, each.sql);
    const Result<DossierContent> content = Dossier::open_read_only(path)->read();
    ASSERT_FALSE(content) << each.sql;
    EXPECT_THAT(content.error().what, HasSubstr(each.what));
    EXPECT_THAT(content.error().where, HasSubstr(each.where));
  }
  run_sql(path, "UPDATE sample SET columns = x'01ff'");
  const Result<std::vector<Sample>> samples = Dossier::open_read_only(path)->read_samples(1);
  ASSERT_FALSE(samples);
  EXPECT_THAT(samples.error().where, HasSubstr("table sample, row 1"));
}

TEST(Dossier, DamageNeverCrashesAndIsSaidInWords) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.dossier");
  {
    Dossier dossier = created(path, 40);
    for (int64_t id = 1; id <= 40; ++id) ASSERT_OK(dossier.commit_trial(id, some_outcome(id, 20)));
  }
  const std::string good = *read_file(path, 1 << 26);
  int refused = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed, random_stream("damage"), 0);
    std::string bytes = good;
    if (seed % 4 == 0) bytes.resize(random.below(bytes.size()));
    for (int i = 0; i < 40 && !bytes.empty(); ++i)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    const std::string copy = folder.file("damaged");
    remove_file(copy);
    ASSERT_OK(write_file_atomically(copy, bytes));
    Result<Dossier> dossier = Dossier::open_read_only(copy);
    const Result<Json> json = dossier ? dossier->to_json(true) : std::unexpected(dossier.error());
    if (json) continue;
    ++refused;
    EXPECT_THAT(json.error().where, HasSubstr(copy)) << json.error().message();
  }
  EXPECT_GT(refused, 100);
}

}  // namespace assay::dossier_test
