// Profile files: whatever the bytes, there is a profile or an error that says where.
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "catalogue/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const assay::Result<assay::VendorProfile> profile =
      assay::ProfileCatalogue::parse(text, "data/profiles/fuzz.toml");
  if (!profile) {
    CHECK(!profile.error().what.empty() && profile.error().where.starts_with("data/profiles/fuzz.toml"));
    return 0;
  }
  CHECK(!profile->name.empty() && !profile->sources.empty());
  for (const assay::ProfileCapability& capability : profile->capabilities)
    CHECK(!capability.source.empty() && !capability.date.empty());
  const auto catalogue = assay::ProfileCatalogue::make({*profile});
  CHECK(catalogue.has_value() || !catalogue.error().what.empty());
  return 0;
}
