// Shared libraries: whatever the bytes, they are facts within their bounds or an error, and nothing beyond
// the file is read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "exam/probe/elf_file.h"
#include "os/os.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto fd = assay::file_in_memory(bytes);
  CHECK(fd.has_value());
  constexpr size_t kStrings = 4096;
  const assay::Result<assay::ElfFacts> facts = assay::read_elf(fd->get(), "fuzz.so", kStrings);
  if (!facts) {
    CHECK(!facts.error().what.empty());
    return 0;
  }
  CHECK(facts->needed.size() <= 64 && facts->strings.size() <= kStrings && facts->names.size() <= size);
  CHECK(!facts->machine.empty());
  return 0;
}
