// Fuzzes the decoder of raw samples: whatever the bytes, it ends soon, in columns within the limit or in an
// error, and what it accepts survives another round trip. A first byte of 1 makes the rest a payload that is
// compressed here first, since the frame's checksum would keep a fuzzer out of it.
#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "evidence/evidence.h"

namespace {

constexpr int64_t kMaxValues = 10'000;

std::string framed(std::string_view payload) {
  std::string bytes(1 + ZSTD_compressBound(payload.size()), '\1');
  bytes.resize(1 + ZSTD_compress(bytes.data() + 1, bytes.size() - 1, payload.data(), payload.size(), 1));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto columns = assay::decode_columns(data[0] == 1 ? framed(rest) : std::string(rest), kMaxValues);
  if (!columns) {
    CHECK(!columns.error().what.empty());
    return 0;
  }
  size_t values = 0;
  for (const assay::Column& column : columns->columns) values += column.size();
  CHECK(values <= static_cast<size_t>(kMaxValues));
  const std::string bytes = assay::encode_columns(*columns);
  const auto again = assay::decode_columns(bytes, kMaxValues);
  CHECK(again && assay::encode_columns(*again) == bytes);
  return 0;
}
