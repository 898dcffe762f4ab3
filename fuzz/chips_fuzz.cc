// Files of chips: whatever the bytes, there is a chip whose every claim is whole, or an error that says
// where.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const assay::Result<assay::Chip> chip = assay::ChipCatalogue::parse(text, "data/chips/acme-x1.toml");
  if (!chip) {
    CHECK(!chip.error().what.empty() && chip.error().where.starts_with("data/chips/acme-x1.toml"));
    return 0;
  }
  CHECK(chip->id == "acme-x1" && !chip->name.empty() && !chip->vendor.empty());
  for (const assay::ChipClaim& claim : chip->claims) {
    CHECK(claim.field != nullptr && claim.unit == claim.field->unit);
    CHECK(std::isfinite(claim.value) && claim.value > 0);
    CHECK(!claim.source.empty() && !claim.date.empty() && claim.dtype.empty() != claim.field->has_dtype);
    CHECK(!assay::value_text(claim).empty());
  }
  const auto catalogue = assay::ChipCatalogue::make({*chip});
  CHECK(catalogue.has_value() && catalogue->by_device_name(chip->name) != nullptr);
  CHECK(!assay::chip_reference_markdown(*catalogue).empty());
  return 0;
}
