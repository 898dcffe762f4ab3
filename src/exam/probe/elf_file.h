// What a shared library says of itself, read and never mapped or run: its machine, names, what it needs, and
// the texts in it. The only user of libelf. Files are foreign: offsets and sizes are checked against the
// file, every table has a bound, and a file that lies ends in an error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

struct ElfFacts {
  std::string machine;              // "x86-64", "aarch64" …
  std::string soname;               // "libcudart.so.10.2"; "" if it has none
  std::vector<std::string> needed;  // libraries that it asks for, at most 64
  std::string names;  // the dynamic string table (symbols that it has or wants), NUL between; cut at 512 KiB
  std::string strings;  // the beginning of .rodata; "" where it was not asked for
};

// `fd` is a regular file, `path` what errors call it. Reads at most `most_string_bytes` of .rodata. Fails for
// what is no ELF file, no shared library, cut off, or contradicts itself. Any thread.
Result<ElfFacts> read_elf(int fd, std::string_view path, size_t most_string_bytes);

// True for the text that some distributions put in a library's place ("GROUP ( /lib/libm.so.6 )").
bool is_linker_script(std::string_view beginning);

// The machine that this program runs on, in the words of ElfFacts.
std::string own_machine();

}  // namespace assay
