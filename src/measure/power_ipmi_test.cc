// A management controller that answers, refuses, is slow, and falls silent.
#include "measure/power_ipmi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace assay::power_ipmi_test {

using testing::ElementsAre;
using testing::HasSubstr;

using Answer = std::vector<uint8_t>;

// Get Power Reading as DCMI 1.5 lays it out: 500 W now, and measuring.
Answer reading_of(int watts) {
  Answer answer(19, 0);
  answer[1] = 0xdc;
  answer[2] = static_cast<uint8_t>(watts & 0xff);
  answer[3] = static_cast<uint8_t>(watts >> 8);
  answer[18] = 0x40;
  return answer;
}

class FakeChannel final : public IpmiChannel {
 public:
  std::deque<std::optional<Answer>> answers;
  int* asked = nullptr;
  Answer* request = nullptr;

  Result<void> send(uint8_t function, uint8_t command, const std::vector<uint8_t>& data) override {
    if (asked != nullptr) ++*asked;
    if (request != nullptr)
      *request = {function, command}, request->insert(request->end(), data.begin(), data.end());
    return {};
  }
  Result<std::optional<Answer>> receive(Nanos) override {
    if (answers.empty()) return std::nullopt;
    std::optional<Answer> answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
};

TEST(Ipmi, PowerIsAskedForAndIntegrated) {
  auto channel = std::make_unique<FakeChannel>();
  int asked = 0;
  Answer request;
  channel->asked = &asked;
  channel->request = &request;
  channel->answers = {reading_of(500), reading_of(500), std::nullopt, reading_of(700)};
  auto source = open_ipmi_source(std::move(channel), "/dev/ipmi0");
  ASSERT_TRUE(source.has_value()) << source.error().message();
  EXPECT_THAT(request, ElementsAre(0x2c, 0x02, 0xdc, 0x01, 0x00, 0x00));
  EXPECT_EQ((*source)->sensor().domain, "whole machine");
  EXPECT_EQ((*source)->energy_j(nanos_from_seconds(1)).value(), 0);
  EXPECT_THAT((*source)->energy_j(nanos_from_seconds(2)).error().what, HasSubstr("not answered yet"));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ((*source)->energy_j(nanos_from_seconds(3)).value(), 1200) << "(500 + 700) / 2 W over 2 s";
  EXPECT_EQ(asked, 3) << "no second question while one is open";
}

TEST(Ipmi, ACallerIsToldWhyThereIsNoPower) {
  EXPECT_THAT(parse_power_reading({0xc1}).error().what, HasSubstr("does not know DCMI"));
  EXPECT_THAT(parse_power_reading({0xcb}).error().what, HasSubstr("0xcb"));
  EXPECT_FALSE(parse_power_reading({}).has_value());
  EXPECT_FALSE(parse_power_reading({0, 0xdc, 1}).has_value());
  Answer idle = reading_of(500);
  idle[18] = 0;
  EXPECT_THAT(parse_power_reading(idle).error().what, HasSubstr("does not measure"));
  Answer other = reading_of(500);
  other[1] = 0xdd;
  EXPECT_FALSE(parse_power_reading(other).has_value());
}

TEST(Ipmi, OneThatFallsSilentIsLost) {
  auto channel = std::make_unique<FakeChannel>();
  channel->answers = {reading_of(500)};
  auto source = open_ipmi_source(std::move(channel), "/dev/ipmi0");
  ASSERT_TRUE(source.has_value());
  EXPECT_FALSE((*source)->energy_j(nanos_from_seconds(1)).has_value());
  EXPECT_FALSE((*source)->is_lost());
  EXPECT_FALSE((*source)->energy_j(nanos_from_seconds(7)).has_value());
  EXPECT_TRUE((*source)->is_lost());
}

TEST(Ipmi, WithoutAnAnswerThereIsNoSensor) {
  EXPECT_THAT(open_ipmi_source(std::make_unique<FakeChannel>(), "/dev/ipmi0").error().what,
              HasSubstr("did not answer"));
}

}  // namespace assay::power_ipmi_test
