// Children that behave as badly as libraries can, played by a shell: descriptor 3 is where they answer.
#include "measure/management/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/power.h"

namespace assay::management_child_test {

using testing::HasSubstr;

ManagementAccess shell(const std::string& script) {
  return {.command = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}};
}

std::vector<ManagementChild> child_of(const std::string& script) {
  Result<ManagementChild> child = ManagementChild::start(shell(script), {.name = "libx.so", .path = "/x"});
  EXPECT_TRUE(child.has_value());
  std::vector<ManagementChild> children;
  children.push_back(std::move(*child));
  return children;
}

// The first answer of such a child; nothing if there was none in 2.5 s.
std::optional<Result<ManagementReading>> answer_of(std::vector<ManagementChild>& children) {
  SystemClock clock;
  await_answers(children, clock.now() + kManagementPatience, {});
  return children[0].take_answer();
}

std::string failure_of(const std::string& script) {
  std::vector<ManagementChild> children = child_of(script);
  const auto answer = answer_of(children);
  return answer && !*answer ? answer->error().what : "no failure";
}

constexpr const char* kAnswer = R"(printf '{"sequence":0,"devices":[{"power_w":50}]}\n' >&3; )";

TEST(ManagementChild, ItsAnswerIsTaken) {
  std::vector<ManagementChild> children = child_of(std::string(kAnswer) + "read line <&3");
  const auto answer = answer_of(children);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->devices.at(0).power_w, 50);
  EXPECT_EQ(children[0].printed(), "");
}

TEST(ManagementChild, WhatItPrintsIsNoAnswer) {
  std::vector<ManagementChild> children =
      child_of(std::string("echo '{\"sequence\":0,\"devices\":[]}'; ") + kAnswer + "read line <&3");
  const auto answer = answer_of(children);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->devices.size(), 1U);
  EXPECT_THAT(children[0].printed(), HasSubstr("bytes, which begin '{"));
}

TEST(ManagementChild, HowItEndedIsSaid) {
  EXPECT_THAT(failure_of("kill -SEGV $$"), HasSubstr("crashed the process that had loaded it: signal 11"));
  EXPECT_THAT(failure_of("exit 0"), HasSubstr("ended the process that had loaded it, with exit code 0"));
  EXPECT_THAT(failure_of("echo no card >&2; exit 3"), HasSubstr("exit code 3. It said: no card"));
  EXPECT_THAT(failure_of("exec 3>&-; sleep 1000"), HasSubstr("closed the line"));
}

TEST(ManagementChild, NonsenseAndEndlessAnswersEndIt) {
  EXPECT_THAT(failure_of("echo garbage >&3; sleep 1000"), HasSubstr("no JSON object: garbage"));
  EXPECT_THAT(failure_of("tr '\\0' x < /dev/zero >&3"), HasSubstr("longer than 256 KiB"));
}

TEST(ManagementChild, OneThatHangsCostsTheTimeThatItIsGivenAndNoMore) {
  SystemClock clock;
  const Nanos begin = clock.now();
  {
    std::vector<ManagementChild> children = child_of("sleep 1000 & wait");
    await_answers(children, begin + nanos_from_ms(50), {});
    EXPECT_FALSE(children[0].take_answer().has_value());
    children[0].give_up("it hangs");
    EXPECT_EQ(children[0].take_answer()->error().what, "it hangs");
  }
  EXPECT_LT(seconds(clock.now() - begin), 2);
}

// ---- as sensors ----

PowerPlaces places_of(const std::string& script) {
  return {.sysfs_root = "/nonexistent",
          .management = shell(script),
          .libraries = {{.name = "libx.so", .path = "/x", .has_one_device_a_card = true}}};
}

TEST(CardPower, WattsAreIntegratedAndCardsAddUp) {
  const PowerSources found = find_power_sources(places_of(
      "printf '{\"sequence\":0,\"devices\":[{\"name\":\"A\",\"power_w\":1,\"pci_address\":\"0000:3b:00.0\"},"
      "{\"power_w\":1},{}]}\\n' >&3; w=100; while read kind n <&3; do "
      "printf '{\"sequence\":%s,\"devices\":[{\"power_w\":%s},{\"power_w\":7},{}]}\\n' $n $w >&3; w=$((w + 100)); done"));
  ASSERT_EQ(found.sources.size(), 2U) << "a device that tells no power is no sensor";
  PowerSource& first = *found.sources[0];
  EXPECT_EQ(first.sensor().kind, "nvml");
  EXPECT_EQ(first.sensor().domain, "A at 0000:3b:00.0");
  EXPECT_EQ(first.sensor().group, found.sources[1]->sensor().group);
  EXPECT_EQ(first.energy_j(nanos_from_seconds(10)).value(), 0);
  EXPECT_EQ(found.sources[1]->energy_j(nanos_from_seconds(10)).value(), 0);
  EXPECT_DOUBLE_EQ(first.energy_j(nanos_from_seconds(12)).value(), 300) << "(100 + 200) / 2 W over 2 s";
  EXPECT_DOUBLE_EQ(found.sources[1]->energy_j(nanos_from_seconds(12)).value(), 14) << "of the same answer";
}

TEST(CardPower, ALibraryThatFallsSilentIsLostAndNobodyWaitsForIt) {
  const PowerSources found =
      find_power_sources(places_of(std::string(kAnswer) + "while read line <&3; do :; done"));
  ASSERT_EQ(found.sources.size(), 1U);
  PowerSource& source = *found.sources[0];
  SystemClock clock;
  const Nanos begin = clock.now();
  EXPECT_FALSE(source.energy_j(nanos_from_seconds(1)).has_value());
  EXPECT_FALSE(source.is_lost()) << "it may be slow";
  EXPECT_THAT(source.energy_j(nanos_from_seconds(4)).error().what, HasSubstr("gave no answer within"));
  EXPECT_TRUE(source.is_lost());
  EXPECT_FALSE(source.energy_j(nanos_from_seconds(5)).has_value());
  EXPECT_LT(seconds(clock.now() - begin), 2);
}

TEST(CardPower, ALibraryThatFailsSaysWhatToDo) {
  const PowerSources found = find_power_sources(places_of("kill -SEGV $$"));
  EXPECT_TRUE(found.sources.empty());
  ASSERT_EQ(found.unreadable.size(), 1U);
  EXPECT_EQ(found.unreadable[0].where, "/x");
  EXPECT_THAT(found.unreadable[0].what, HasSubstr("signal 11"));
}

TEST(CardPower, WithoutAWayToLoadThemLibrariesAreNotAsked) {
  PowerPlaces places = places_of("exit 0");
  places.management = {};
  EXPECT_TRUE(find_power_sources(places).unreadable.empty());
}

}  // namespace assay::management_child_test
