// What company costs each class: the same rows and words on the page, in Markdown and on the terminal.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/os.h"
#include "report/html_sections.h"
#include "report/model.h"
#include "report/report.h"

namespace assay::report_interference_test {

using testing::HasSubstr;
using testing::Not;

class Interference : public ::testing::Test {
 protected:
  // A mix of these classes, and each alone; embeddings have no first token.
  DossierContent content_of(const std::vector<std::pair<std::string, bool>>& classes) {
    const std::string folder = ::testing::TempDir() + "/interference_test";
    EXPECT_TRUE(make_directories(folder));
    remove_file(folder + "/d.assay");
    Trial trial{.id = 1, .exam = "load", .target = "h:1", .name = "load mix on h:1"};
    trial.parameters.set("phase", "mix").set("classes", Json::array());
    Result<Dossier> dossier = Dossier::create(folder + "/d.assay", {.id = std::string(32, 'a')}, {trial}, {});
    EXPECT_TRUE(dossier) << dossier.error().message();
    dossier_.emplace(std::move(*dossier));
    EXPECT_TRUE(dossier_->begin_trial(1, "now"));
    TrialOutcome outcome;
    outcome.subject = Subject{.name = "h:1", .kind = "endpoint"};
    double ratio = 1.5;
    for (const auto& [name, streams] : classes) {
      const auto add = [&](const char* metric, const char* phase, double value) {
        Record record{
            .metric = metric, .value = value, .ci_low = 0.9 * value, .ci_high = 1.1 * value, .n = 70};
        record.conditions.set("phase", phase).set("traffic_class", name);
        outcome.records.push_back(std::move(record));
      };
      for (const char* phase : {"mix", "alone"}) {
        if (streams) add("ttft_ms_p50", phase, 20);
        if (streams) add("tpot_ms_p50", phase, 10);
        add("e2e_ms_p50", phase, 100);
      }
      add("interference", "mix", ratio);
      if (streams) add("tpot_interference", "mix", 1.2);
      ratio *= 2;
    }
    EXPECT_TRUE(dossier_->commit_trial(1, outcome));
    return dossier_->read().value_or(DossierContent());
  }

  std::optional<Dossier> dossier_;
};

TEST_F(Interference, NamesTheLatencyThatWasCompared) {
  const DossierContent content = content_of({{"chat", true}, {"vectors", false}});
  const Result<Model> model = make_model(content, nullptr);
  ASSERT_TRUE(model);
  const std::vector<InterferenceRow> rows = interference_rows(*model);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_STREQ(rows[0].latency, "TTFT");
  EXPECT_STREQ(rows[1].latency, "TPOT");
  EXPECT_STREQ(rows[2].latency, "E2E");
  const std::string page = serving_html(*model);
  EXPECT_THAT(page,
              HasSubstr("In company the answer of vectors on h:1 takes 3.00 (2.70–3.30) × as long as alone"));
  EXPECT_THAT(page,
              HasSubstr("median alone, of TTFT and TPOT; of E2E for vectors, whose answers come at once."));
}

TEST_F(Interference, OfAnswersThatStreamIsThatOfTheFirstToken) {
  const DossierContent content = content_of({{"chat", true}, {"rag", true}});
  const Result<Model> model = make_model(content, nullptr);
  ASSERT_TRUE(model);
  EXPECT_THAT(
      serving_html(*model),
      HasSubstr("In company the first token of rag on h:1 takes 3.00 (2.70–3.30) × as long as alone"));
  EXPECT_EQ(interference_basis(*model), "Median in the mix ÷ median alone, of TTFT and TPOT.");
}

TEST_F(Interference, OfAnswersThatComeAtOnceAloneIsThatOfTheirEnd) {
  const DossierContent content = content_of({{"vectors", false}});
  EXPECT_EQ(interference_basis(*make_model(content, nullptr)), "Median in the mix ÷ median alone, of E2E.");
}

TEST_F(Interference, StandsInMarkdownAndOnTheTerminal) {
  const DossierContent content = content_of({{"chat", true}, {"vectors", false}});
  const Result<std::string> markdown = render_markdown(*dossier_);
  ASSERT_TRUE(markdown);
  EXPECT_THAT(*markdown, HasSubstr("| h:1 | chat | TTFT | 1.50 (1.35–1.65) |"));
  EXPECT_THAT(*markdown, HasSubstr("| h:1 | chat | TPOT | 1.20 (1.08–1.32) |"));
  EXPECT_THAT(*markdown, HasSubstr("| h:1 | vectors | E2E | 3.00 (2.70–3.30) |"));
  const std::string terminal = render_terminal_summary(content, {.width = 80});
  EXPECT_THAT(terminal, HasSubstr("Interference: median in the mix ÷ median alone"));
  EXPECT_THAT(terminal, HasSubstr("  chat     TTFT × 1.50 (1.35–1.65), TPOT × 1.20 (1.08–1.32)\n"));
  // Where both have no room on a line, the second stands below.
  const std::string long_name(40, 'x');
  EXPECT_THAT(
      render_terminal_summary(content_of({{long_name, true}}), {.width = 80}),
      HasSubstr(long_name + "  TTFT × 1.50 (1.35–1.65)\n  " + std::string(40, ' ') + "  TPOT × 1.20"));
  EXPECT_THAT(terminal, HasSubstr("  vectors  E2E × 3.00 (2.70–3.30)\n"));
}

TEST_F(Interference, OfTooFewRequestsIsSaidToBeInsufficient) {
  DossierContent content = content_of({{"chat", true}, {"rag", true}});
  for (Record& record : content.records) {
    if (!record.metric.ends_with("interference") || record.conditions["traffic_class"].as_string() != "rag")
      continue;
    record.value.reset();
    record.ci_low.reset(), record.ci_high.reset();
    record.validity = Validity::kInsufficient;
    record.n = 3;
  }
  EXPECT_THAT(render_terminal_summary(content, {.width = 80}),
              HasSubstr("  chat  TTFT × 1.50 (1.35–1.65), TPOT × 1.20 (1.08–1.32)\n"
                        "  rag   TTFT insufficient (n = 3), TPOT insufficient (n = 3)\n"));
  const Result<Model> model = make_model(content, nullptr);
  ASSERT_TRUE(model);
  const std::string page = serving_html(*model);
  EXPECT_THAT(page, HasSubstr(">insufficient</a> <span class=\"ci\">n&nbsp;=&nbsp;3</span>"));
  EXPECT_THAT(page, HasSubstr("In company the first token of chat on h:1 takes 1.50"));
}

TEST_F(Interference, IsNotSpokenOfWhereNothingWasMeasuredAlone) {
  const DossierContent content = content_of({});
  const Result<std::string> markdown = render_markdown(*dossier_);
  ASSERT_TRUE(markdown);
  EXPECT_THAT(*markdown, Not(HasSubstr("interference")));
  EXPECT_THAT(render_terminal_summary(content, {.width = 80}), Not(HasSubstr("Interference")));
}

}  // namespace assay::report_interference_test
