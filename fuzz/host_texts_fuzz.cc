// What a host's own files say: the loader's cache, package metadata, CDI specifications, versions, and what a
// framework printed. Whatever the bytes, it ends soon and within its bounds.
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "exam/probe/containers.h"
#include "exam/probe/library_paths.h"
#include "exam/probe/python_environments.h"
#include "exam/probe/stack_files.h"
#include "exam/probe/vendor_calls.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const assay::CachedLibrary& library : assay::parse_ld_cache(bytes))
    CHECK(!library.name.empty() && library.path.starts_with('/'));
  const assay::PackageMetadata metadata = assay::parse_package_metadata(bytes);
  for (const auto* text : {&metadata.name, &metadata.version, &metadata.summary}) CHECK(text->size() <= 200);
  CHECK(assay::cdi_kind(bytes).size() <= 200);
  CHECK(assay::first_version(bytes).size() <= 40);
  for (const assay::FrameworkDevice& device : assay::parse_framework_devices(bytes))
    CHECK(!device.device.empty());
  CHECK(assay::library_base_name(bytes).size() <= size);
  return 0;
}
