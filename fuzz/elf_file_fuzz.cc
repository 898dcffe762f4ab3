// Libraries of a host, as the bundle's launcher reads them, from hostile bytes.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/base.h"
#include "bundle/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size));
  if (const auto file = assay::ElfFile::of_descriptor(fd)) {
    CHECK(file->interpreter().size() <= 4096);
    const auto any = file->highest_version("");
    for (const char* prefix : {"GLIBC_", "GLIBCXX_", "GCC_"}) {
      file->highest_version(prefix);
      file->highest_needed_version(prefix);
    }
    CHECK(!any || *any >= assay::SymbolVersion{});
  } else {
    // What is no ELF file is not opened, and its descriptor is closed with it.
    CHECK(::fcntl(fd, F_GETFD) < 0);
  }
  return 0;
}
