// Servers of endpoints and of classes: what their keys become, and what is refused.
#include "scenario/server_urls.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::server_urls_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kExams = {"load"};

// A scenario of one endpoint and one class with these keys.
Result<Scenario> scenario_of(const std::string& target, const std::string& traffic = "") {
  return parse_scenario("[[target]]\nkind = 'endpoint'\n" + target +
                            "\n[[traffic]]\nname = 'c'\nprompt_tokens = 10\noutput_tokens = 5\n" + traffic,
                        "s.toml", kExams);
}

Scenario read(const std::string& target, const std::string& traffic = "") {
  const Result<Scenario> scenario = scenario_of(target, traffic);
  EXPECT_TRUE(scenario) << (scenario ? "" : scenario.error().message());
  return scenario ? *scenario : Scenario{.targets = {{}}, .load = {.classes = {{}}}};
}

std::string refused(const std::string& target, const std::string& traffic = "") {
  const Result<Scenario> scenario = scenario_of(target, traffic);
  EXPECT_FALSE(scenario) << target << traffic;
  return scenario ? "" : scenario.error().message();
}

std::string many(size_t count, const char* host) {
  std::string list;
  for (size_t i = 0; i < count; ++i)
    list += fmt::format("{}'http://{}:{}/v1'", i == 0 ? "" : ", ", host, 1000 + i);
  return fmt::format("urls = [{}]", list);
}

TEST(ServerUrls, OneOrSeveralAreTheSameList) {
  EXPECT_THAT(read("url = 'http://h:1/v1'").targets[0].urls, ElementsAre("http://h:1/v1"));
  const TargetSpec target = read("urls = ['http://h:1/v1', 'HTTP://H:2/v1/']").targets[0];
  EXPECT_THAT(target.urls, ElementsAre("http://h:1/v1", "http://h:2/v1"));
  EXPECT_EQ(target.url(), "http://h:1/v1");
  EXPECT_EQ(target.name, "h:1 and 1 more");
}

TEST(ServerUrls, AClassMayGoToAServerOfItsOwn) {
  EXPECT_THAT(read("url = 'http://h/v1'").load.classes[0].urls, ElementsAre());
  EXPECT_THAT(read("url = 'http://h/v1'", "url = 'http://h:80/v1'").load.classes[0].urls,
              ElementsAre("http://h/v1"));
  EXPECT_THAT(read("url = 'http://h/v1'", "urls = ['http://h:1', 'http://h:2']").load.classes[0].urls,
              ElementsAre("http://h:1", "http://h:2"));
}

TEST(ServerUrls, EachServerIsNamedOnce) {
  EXPECT_THAT(refused("urls = ['http://h:1/v1', 'http://h:2/v1', 'http://H:1/v1/']"),
              AllOf(HasSubstr("s.toml:3:43: http://h:1/v1 stands in urls twice")));
  EXPECT_THAT(refused("url = 'http://h/v1'\nurls = ['http://i/v1']"),
              HasSubstr("give url or urls, not both"));
  EXPECT_THAT(refused("url = 'http://h/v1'", "url = 'http://h/v1'\nurls = ['http://i/v1']"),
              HasSubstr("give url or urls, not both"));
}

TEST(ServerUrls, AListHoldsUrlsAndNotTooMany) {
  EXPECT_THAT(refused(""), HasSubstr("[[target]] needs a value for url"));
  EXPECT_THAT(refused("urls = []"), HasSubstr("s.toml:3:8: urls must be an array of URLs, one at least"));
  EXPECT_THAT(refused("urls = 'http://h/v1'"), HasSubstr("urls must be an array of URLs"));
  EXPECT_THAT(refused("urls = ['http://h/v1', 7]"), HasSubstr("s.toml:3:24: urls must be a string"));
  EXPECT_THAT(refused("urls = ['http://h/v1', 'ftp://h']"), HasSubstr("s.toml:3:24: "));
  EXPECT_EQ(read(many(64, "h")).targets[0].urls.size(), 64U);
  EXPECT_THAT(refused(many(65, "h")), HasSubstr("urls names 65 servers, 64 at most are allowed"));
}

TEST(ServerUrls, ThoseOfTheClassesCountToo) {
  EXPECT_EQ(read(many(64, "h"), "url = 'http://h:1000/v1'").load.classes[0].urls.size(), 1U);
  EXPECT_THAT(refused(many(64, "h"), "url = 'http://other/v1'"),
              HasSubstr("has 65 servers with those of the classes"));
}

TEST(ServerUrls, OnlyOneServerIsLaunched) {
  EXPECT_THAT(
      refused("urls = ['http://127.0.0.1:1/v1', 'http://127.0.0.1:2/v1']\nstack = { launch = ['a'] }"),
      HasSubstr("launch starts one server, and this target has several URLs"));
  read("urls = ['http://127.0.0.1:1/v1']\nstack = { launch = ['a'] }");
}

TEST(ServerUrls, AClassHasNoServerWhereNoTargetIsAnEndpoint) {
  const Result<Scenario> scenario = parse_scenario(
      "[[target]]\nkind = 'fake'\n[[traffic]]\nname = 'c'\nprompt_tokens = 1\noutput_tokens = 1\n"
      "url = 'http://h/v1'\n",
      "s.toml", kExams);
  ASSERT_FALSE(scenario);
  EXPECT_THAT(scenario.error().message(), HasSubstr("the class 'c' goes to a server of its own"));
}

}  // namespace assay::server_urls_test
