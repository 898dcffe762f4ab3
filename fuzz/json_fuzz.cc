// JSON documents from hostile bytes: what is read and written must read the same again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const assay::Result<assay::Json> json =
      assay::Json::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!json) {
    CHECK(!json.error().what.empty());
    return 0;
  }
  for (const int indent : {-1, 2}) {
    const std::string written = json->dump(indent);
    const assay::Result<assay::Json> again = assay::Json::parse(written, "again");
    CHECK(again);
    CHECK(again->dump(indent) == written);
  }
  return 0;
}
