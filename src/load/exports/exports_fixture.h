// A dossier with three requests that can be reckoned by hand, and the files that the exports make of it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/exports/exports.h"
#include "os/os.h"

namespace assay {

class ExportsTest : public ::testing::Test {
 protected:
  static constexpr Nanos kWallOffset{1'700'000'000'000'000'000};

  void SetUp() override {
    ASSERT_TRUE(make_directories(folder_));
    create({trial(1, "t", "mix")});
  }

  static Trial trial(int64_t id, const std::string& target, const std::string& phase) {
    Trial trial{
        .id = id, .exam = "load", .target = target, .name = fmt::format("load {} on {}", phase, target)};
    trial.parameters.set("classes", Json::array().push("chat")).set("phase", phase);
    trial.parameters.set("url", "http://127.0.0.1:8000/v1");
    return trial;
  }

  void create(const std::vector<Trial>& trials) {
    dossier_.reset();
    remove_file(folder_ + "/d.assay");
    const RunInfo run{.id = "0123456789abcdef0123456789abcdef",
                      .assay_version = "0.1.0",
                      .created_at = "2026-11-24T03:00:32Z",
                      .seed = 3};
    Result<Dossier> dossier = Dossier::create(folder_ + "/d.assay", run, trials, {});
    ASSERT_TRUE(dossier) << dossier.error().message();
    dossier_.emplace(std::move(*dossier));
  }

  // In microseconds: the first request answers in two chunks, the second is refused, the third answers in
  // five.
  static Columns requests() {
    Columns columns;
    const auto add = [&](const char* name, std::vector<int64_t> us) {
      for (int64_t& value : us) value *= 1000;
      columns.add(name, std::move(us));
    };
    add("scheduled_ns", {1000, 2000, 4000});
    add("dispatched_ns", {1050, 2200, 4100});
    add("sent_ns", {1100, 0, 4200});
    add("first_ns", {3000, 0, 6200});
    add("first_output_ns", {3000, 0, 6200});
    add("last_ns", {7000, 0, 10200});
    add("end_ns", {8000, 2500, 10400});
    columns.add("id", std::vector<int64_t>{5, 6, 7});
    columns.add("class", std::vector<int64_t>{0, 0, 0});
    columns.add("prompt_tokens", std::vector<int64_t>{30, 31, 40});
    columns.add("output_tokens", std::vector<int64_t>{3, 0, 5});
    columns.add("chunks", std::vector<int64_t>{2, 0, 5});
    columns.add("failure", std::vector<int64_t>{0, 1, 0});
    columns.add("in_window", std::vector<int64_t>{1, 1, 1});
    columns.add("good", std::vector<int64_t>{1, 0, 1});
    return columns;
  }
  static Columns clock() {
    Columns columns = one("start_ns", {100'000'000'000});
    columns.add("wall_offset_ns", std::vector<int64_t>{kWallOffset.count});
    return columns;
  }
  static Columns one(const char* name, std::vector<int64_t> values) {
    Columns columns;
    columns.add(name, std::move(values));
    return columns;
  }

  static Json offer(const char* arrivals) {
    return Json::object()
        .set("traffic_class", "all")
        .set("model", "m")
        .set("api", "chat")
        .set("arrivals", arrivals)
        .set("max_connections", 256);
  }

  // `tpot_limit_ms` 0: no SLO.
  void commit(Json rate_conditions, double tpot_limit_ms, Columns columns = requests()) {
    commit_trial(1, std::move(rate_conditions), tpot_limit_ms, std::move(columns));
  }
  void commit_trial(int64_t id, Json rate_conditions, double tpot_limit_ms, Columns columns,
                    std::vector<int64_t> chunk_ns = {3'000'000, 7'000'000, 6'200'000, 7'200'000, 8'200'000,
                                                     9'200'000, 10'200'000}) {
    ASSERT_TRUE(dossier_->begin_trial(id, "now"));
    TrialOutcome outcome;
    outcome.samples = {{.name = "requests", .columns = std::move(columns)},
                       {.name = "chunks", .columns = one("at_ns", std::move(chunk_ns))},
                       {.name = "clock", .columns = clock()}};
    outcome.records.push_back(
        {.metric = "offered_rate_per_s", .value = 500, .unit = "1/s", .validity = validity_});
    outcome.records.back().conditions = std::move(rate_conditions);
    for (const Json& conditions : conditions_) {
      outcome.records.push_back({.metric = "error_rate", .value = 0});
      outcome.records.back().conditions = conditions;
    }
    if (tpot_limit_ms > 0) {
      outcome.records.push_back({.metric = "slo_attainment", .value = 0.5});
      outcome.records.back().conditions =
          Json::object().set("traffic_class", "chat").set("slo_tpot_ms", tpot_limit_ms);
    }
    const Result<void> committed = dossier_->commit_trial(id, outcome);
    ASSERT_TRUE(committed) << committed.error().message();
  }
  void commit() { commit(offer("poisson"), 0); }

  std::string text(const char* format, const char* file = "out.json") {
    const std::string path = folder_ + "/" + file;
    const Result<std::vector<std::string>> written =
        write_exports(*dossier_, *find_export_format(format), path);
    EXPECT_TRUE(written) << written.error().message();
    return read_file(path, 1 << 22).value_or("");
  }
  Json exported(const char* format) {
    const Result<Json> json = Json::parse(text(format), format);
    EXPECT_TRUE(json) << json.error().message();
    return json.value_or(Json());
  }

  // "metrics/time_to_first_token_ms/successful/mean"; a number is a place in a list.
  static const Json& at(const Json& json, std::string_view path) {
    const Json* here = &json;
    for (const std::string_view part : split(path, '/')) {
      const std::optional<int64_t> index = parse_integer(part);
      const bool is_item = here->is_array() && index && *index < static_cast<int64_t>(here->items().size());
      here = is_item ? &here->items()[static_cast<size_t>(*index)] : &(*here)[part];
    }
    return *here;
  }

  std::string folder_ = ::testing::TempDir() + "/exports_test";
  std::optional<Dossier> dossier_;
  Validity validity_ = Validity::kValid;
  std::vector<Json> conditions_;  // of the classes, each of a record of its own
};

}  // namespace assay
