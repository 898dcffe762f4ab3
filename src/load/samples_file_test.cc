// Requests as files: what stands in them, and that nothing in a dossier can break their form.
#include "load/samples_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "os/os.h"

namespace assay::samples_file_test {

class SamplesFile : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(folder_));
    remove_file(folder_ + "/d.assay");
    Trial trial{.id = 1, .exam = "load", .target = "t", .name = "load, \"mix\""};
    trial.parameters.set("classes", Json::array().push("chat")).set("phase", "mix");
    Result<Dossier> dossier = Dossier::create(folder_ + "/d.assay", {.id = "x"}, {trial}, {});
    ASSERT_TRUE(dossier) << dossier.error().message();
    dossier_.emplace(std::move(*dossier));
  }

  void commit(std::vector<Sample> samples, Validity validity = Validity::kValid) {
    ASSERT_TRUE(dossier_->begin_trial(1, "now"));
    TrialOutcome outcome;
    outcome.samples = std::move(samples);
    outcome.records.push_back({.metric = "error_rate", .value = 0, .validity = validity});
    ASSERT_TRUE(dossier_->commit_trial(1, outcome));
  }

  static Columns requests() {
    Columns columns;
    columns.add("id", std::vector<int64_t>{5, 6});
    columns.add("class", std::vector<int64_t>{0, 9});
    columns.add("scheduled_ns", std::vector<int64_t>{1'000'000, 2'000'000});
    columns.add("dispatched_ns", std::vector<int64_t>{1'050'000, 0});
    columns.add("sent_ns", std::vector<int64_t>{1'100'000, 0});
    columns.add("first_ns", std::vector<int64_t>{3'000'000, 0});
    columns.add("last_ns", std::vector<int64_t>{7'000'000, 0});
    columns.add("end_ns", std::vector<int64_t>{8'000'000, 2'500'000});
    columns.add("prompt_tokens", std::vector<int64_t>{30, 31});
    columns.add("output_tokens", std::vector<int64_t>{3, 0});
    columns.add("chunks", std::vector<int64_t>{2, 0});
    columns.add("failure", std::vector<int64_t>{0, 1});
    columns.add("in_window", std::vector<int64_t>{1, 1});
    columns.add("good", std::vector<int64_t>{1, 0});
    return columns;
  }
  static Columns one(const char* name, std::vector<int64_t> values) {
    Columns columns;
    columns.add(name, std::move(values));
    return columns;
  }

  std::string text(Result<void> (*write)(const Dossier&, const std::string&)) {
    const std::string path = folder_ + "/out";
    const Result<void> written = write(*dossier_, path);
    EXPECT_TRUE(written) << written.error().message();
    return read_file(path, 1 << 20).value_or("");
  }

  std::string folder_ = ::testing::TempDir() + "/samples_file_test";
  std::optional<Dossier> dossier_;
};

TEST_F(SamplesFile, ALineARequestWithTheInstantsOfTheMonotonicClock) {
  commit({{.name = "requests", .columns = requests()},
          {.name = "chunks", .columns = one("at_ns", {3'000'000, 7'000'000})},
          {.name = "clock", .columns = one("start_ns", {100'000'000'000})}});
  EXPECT_EQ(
      text(write_samples_jsonl),
      R"({"request_id":"assay-5","trial":"load, \"mix\"","class":"chat","outcome":"ok","scheduled_ns":100001000000,"dispatched_ns":100001050000,"sent_ns":100001100000,"first_ns":100003000000,"last_ns":100007000000,"end_ns":100008000000,"prompt_tokens":30,"output_tokens":3,"in_window":true,"good":true,"void":false,"chunk_ns":[100003000000,100007000000]})"
      "\n"
      R"({"request_id":"assay-6","trial":"load, \"mix\"","class":"9","outcome":"refused","scheduled_ns":100002000000,"dispatched_ns":null,"sent_ns":null,"first_ns":null,"last_ns":null,"end_ns":100002500000,"prompt_tokens":31,"output_tokens":0,"in_window":true,"good":false,"void":false,"chunk_ns":[]})"
      "\n");
  EXPECT_EQ(
      text(write_samples_csv),
      "request_id,trial,class,outcome,scheduled_s,send_lag_ms,ttft_ms,tpot_ms,e2e_ms,prompt_tokens,output_"
      "tokens,chunks,in_window,good,server,void\n"
      "assay-5,\"load, \"\"mix\"\"\",chat,ok,0.001000,0.100000,2.000000,2.000000,6.000000,30,3,2,1,1,,0\n"
      "assay-6,\"load, \"\"mix\"\"\",9,refused,0.002000,,,,,31,0,0,1,0,,0\n");
}

TEST_F(SamplesFile, OfSeveralServersTellsWhichOne) {
  Columns columns = requests();
  columns.add("server", std::vector<int64_t>{1, 0});
  commit({{.name = "requests", .columns = columns}});
  EXPECT_THAT(text(write_samples_jsonl),
              testing::AllOf(testing::HasSubstr("\"outcome\":\"ok\",\"server\":1,"),
                             testing::HasSubstr("\"outcome\":\"refused\",\"server\":0,")));
  const std::string rows = text(write_samples_csv);
  EXPECT_THAT(rows, testing::AllOf(testing::HasSubstr(",2,1,1,1,0\n"), testing::HasSubstr(",0,1,0,0,0\n")));
}

TEST_F(SamplesFile, EveryRowOfAVoidTrialSaysSo) {
  commit({{.name = "requests", .columns = requests()}}, Validity::kVoid);
  const std::string lines = text(write_samples_jsonl);
  for (const std::string_view line : split(trim(lines), '\n'))
    EXPECT_THAT(line, testing::HasSubstr(R"("void":true,)"));
  EXPECT_THAT(text(write_samples_csv),
              testing::AllOf(testing::HasSubstr(",2,1,1,,1\n"), testing::HasSubstr(",0,1,0,,1\n")));
}

TEST_F(SamplesFile, TheServersOwnTimingStandsWhereItWasTold) {
  Columns columns = requests();
  columns.add("server_prompt_ns", std::vector<int64_t>{1'500'000, 0});
  columns.add("server_tpot_ns", std::vector<int64_t>{250'000, 0});
  commit({{.name = "requests", .columns = std::move(columns)}});
  const std::string written = text(write_samples_jsonl);
  const size_t second = written.find('\n');
  EXPECT_THAT(
      written.substr(0, second),
      ::testing::HasSubstr(R"("server_prompt_ns":1500000,"server_tpot_ns":250000,"prompt_tokens":30)"));
  EXPECT_THAT(written.substr(second), ::testing::Not(::testing::HasSubstr("server_")));
}

TEST_F(SamplesFile, ColumnsThatLieAboutEachOtherBreakNothing) {
  Columns hostile = requests();
  hostile.columns[10].integers = {1'000'000'000'000, -5};  // chunks
  hostile.columns[11].integers = {99, -1};                 // failure
  hostile.columns[5].integers.clear();                     // first_ns
  commit({{.name = "requests", .columns = hostile}, {.name = "chunks", .columns = one("at_ns", {1})}});
  const std::string lines = text(write_samples_jsonl);
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
  for (const std::string_view line : split(lines, '\n')) {
    EXPECT_TRUE(line.empty() || Json::parse(line, "line")) << line;
  }
  EXPECT_THAT(lines, testing::HasSubstr("\"outcome\":\"unknown\""));
}

TEST_F(SamplesFile, AFullDiskLeavesNoFile) {
  commit({{.name = "requests", .columns = requests()}});
  const std::string folder = folder_ + "/full";
  ASSERT_TRUE(make_directories(folder));
  // A limit of 100 bytes a file is a disk on which a write ends in the middle.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<void> written = write_samples_jsonl(*dossier_, folder + "/requests.jsonl");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(written);
  EXPECT_THAT(*list_directory(folder), testing::IsEmpty());
}

}  // namespace assay::samples_file_test
