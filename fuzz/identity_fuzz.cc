// What a server says of itself, and what a launched one prints, from hostile bytes: the first byte chooses
// the path.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "base/base.h"
#include "target/endpoint/endpoint_identity.h"
#include "target/server_output.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 1 << 16) return 0;
  constexpr std::string_view kPaths[] = {"/version",     "/props",          "/get_server_info",
                                         "/server_info", "/get_model_info", "/info"};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  assay::ServerIdentity identity;
  assay::take_identity(kPaths[data[0] % std::size(kPaths)], text, identity);
  CHECK(identity.version.size() < 1000 && assay::is_valid_utf8(identity.version));
  for (const auto& [name, value] : identity.facts.members()) {
    CHECK(std::string_view(name).starts_with("server_"));
    CHECK(!value.is_object() && !value.is_array() && !value.is_null());
    CHECK(value.as_string().size() < 1000);
  }
  const std::string shown = assay::scrubbed_output(text, {"hunter2"});
  CHECK(assay::is_valid_utf8(shown) && shown.find('\x1b') == std::string::npos);
  CHECK(shown.find("hunter2") == std::string::npos);
  return 0;
}
