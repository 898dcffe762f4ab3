// EmulatorStamps: the file of stamps that `assay emulate` leaves (docs/formats/emulate-stamps.md), as far as
// an instrument's error is computed from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// One answer. All instants are of CLOCK_MONOTONIC; a token's two stamps stand at the same place.
struct StampedAnswer {
  std::string request_id;
  bool is_done = false;  // answered whole, without a fault
  std::vector<int64_t> token_due_ns, token_sent_ns;
};

struct EmulatorStamps {
  std::vector<StampedAnswer> answers;  // in the order of arrival
  int64_t lost_events = 0;             // for which there was no room: their stamps are missing
  int64_t lost_requests = 0;
};

// `text` may be hostile: lines, answers and stamps are bounded, and stamps must be whole numbers from 1 to
// 2⁶² that do not go back. Errors carry file and line. Only a file that its last line ends is taken.
Result<EmulatorStamps> parse_emulator_stamps(std::string_view text, std::string_view where);

}  // namespace assay
