// Drives a server on a clock that moves only when it is told to, in one thread: what a client does stands
// between the turns of the server's loop. For tests.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "emulate/emulate.h"

namespace assay {

// Tried once a turn until it returns true.
using DriveStep = std::function<bool()>;

// A step that needs one turn only.
inline DriveStep once(std::function<void()> what) {
  return [what = std::move(what)] {
    what();
    return true;
  };
}

// Time passes, and the server's next turn sees it.
inline DriveStep pass(FakeClock& clock, double seconds) {
  return once([&clock, seconds] { clock.advance_to(clock.now() + nanos_from_seconds(seconds)); });
}

// A step begins in the turn after the last one's end: by then the server has read what that one sent. Turns
// in which nothing happens take 50 ms of either clock.
inline void drive(Emulator& emulator, const std::vector<DriveStep>& steps) {
  constexpr int kMostTurns = 200;
  size_t at = 0;
  int turns = 0;
  const Result<void> ran = emulator.run([&] {
    if (at < steps.size() && steps[at]()) ++at;
    return at == steps.size() || ++turns == kMostTurns;
  });
  EXPECT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(at, steps.size()) << "the step that never came to its end";
}

// A port of 127.0.0.1, from "http://127.0.0.1:8000/v1".
inline uint16_t port_of(const std::string& url) {
  const size_t colon = url.rfind(':');
  return static_cast<uint16_t>(*parse_integer(url.substr(colon + 1, url.rfind('/') - colon - 1)));
}

}  // namespace assay
