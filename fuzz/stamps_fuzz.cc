// The file of stamps that a calibration reads, from hostile bytes: whatever is taken is in order and bounded,
// and can be held against rows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "load/calibration/emulator_stamps.h"
#include "load/calibration/instrument_error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto stamps = assay::parse_emulator_stamps(text, "stamps");
  if (!stamps) {
    CHECK(!stamps.error().what.empty());
    return 0;
  }
  assay::LoadResult result;
  result.start = assay::Nanos(1);
  result.chunk_at_ns = {10, 20};
  result.chunk_tokens = {1, 1};
  result.duration = assay::Nanos(30);
  result.rows.push_back({.id = 3,
                         .scheduled = assay::Nanos(1),
                         .dispatched = assay::Nanos(2),
                         .first = assay::Nanos(10),
                         .last = assay::Nanos(20),
                         .end = assay::Nanos(21),
                         .chunks = 2});
  for (const assay::StampedAnswer& answer : stamps->answers) {
    CHECK(answer.token_due_ns.size() == answer.token_sent_ns.size());
    CHECK(std::ranges::is_sorted(answer.token_due_ns) && std::ranges::is_sorted(answer.token_sent_ns));
  }
  const assay::CalibrationShape shape = assay::instrument_error(result, *stamps, false);
  CHECK(shape.requests == 1 && (shape.events == 2 || !shape.is_valid()));
  return 0;
}
