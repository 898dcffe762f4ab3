// Templates from hostile text: what is taken can be filled for any seed, the same way twice, and in a URL
// what placeholders put in is plain.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "workload/workload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 13) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const assay::Result<assay::RequestTemplate> made = assay::RequestTemplate::parse(text);
  if (!made) {
    CHECK(!made.error().what.empty());
    return 0;
  }
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const assay::RequestTemplate::Values values{
        .prompt = "a \"b\"\r\n", .request_id = "assay-1", .seed = seed};
    for (const auto escape : {assay::RequestTemplate::Escape::kJson, assay::RequestTemplate::Escape::kUrl}) {
      std::string one, two;
      made->append(values, escape, one);
      made->append(values, escape, two);
      CHECK(one == two);
      const bool had_breaks = text.find_first_of("\r\n") != std::string_view::npos;
      CHECK(had_breaks || one.find_first_of("\r\n") == std::string::npos);
    }
  }
  return 0;
}
