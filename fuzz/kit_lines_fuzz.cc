// Kits from hostile bytes: limits hold, lines are handed out in their places only, and the same bytes in
// pieces of any size say the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "target/kit_lines.h"

namespace {

const assay::KitLineLimits kLimits{
    .line_bytes = 4096, .bytes = 1 << 15, .lines = 200, .other_lines = 50, .refused = 20};

struct Told {
  std::vector<std::string> lines;
  std::string error;
  bool is_done = false;
};

Told tell(std::string_view text, size_t piece) {
  Told told;
  bool has_record = false;
  assay::KitLines lines(
      [&](const assay::KitLine& line) -> assay::Result<void> {
        const bool is_hello = line.kind == assay::KitLineKind::kHello;
        CHECK(is_hello == told.lines.empty());
        CHECK(!told.is_done);
        CHECK(line.kind != assay::KitLineKind::kDevice || !has_record);
        has_record |= line.kind == assay::KitLineKind::kRecord;
        told.is_done |= line.kind == assay::KitLineKind::kDone;
        told.lines.push_back(line.json.dump());
        if (line.kind == assay::KitLineKind::kRecord && line.json["value"].as_number() < 0)
          return assay::fail("negative");
        return {};
      },
      {"secret"}, kLimits);
  for (size_t at = 0; at < text.size() && told.error.empty(); at += piece) {
    if (const auto fed = lines.feed(text.substr(at, piece)); !fed) told.error = fed.error().what;
  }
  if (told.error.empty()) {
    if (const auto ended = lines.finish(); !ended) told.error = ended.error().what;
  }
  CHECK(told.lines.size() <= static_cast<size_t>(kLimits.lines));
  CHECK(assay::is_valid_utf8(told.error));
  CHECK(lines.other_output().size() <= (64U << 10) + static_cast<size_t>(kLimits.lines));
  CHECK(lines.remarks().refused_lines + lines.remarks().refused_records <= kLimits.refused + 1);
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Told whole = tell(text, text.size() + 1);
  const Told pieces = tell(text, 7);
  // A limit of bytes may be noticed a few lines sooner in one of them.
  if (whole.error.empty() && pieces.error.empty()) CHECK(whole.lines == pieces.lines);
  CHECK(whole.error.empty() == pieces.error.empty());
  return 0;
}
