// Small shared libraries written byte by byte, for tests: of any machine, with the names and texts that a
// test wants, and nothing that could run.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace assay::elf_test_support {

struct FakeLibrary {
  uint16_t machine = EM_X86_64;
  std::string soname;
  std::vector<std::string> needed = {};
  std::vector<std::string> symbols = {};  // names only
  std::string strings = "";               // of .rodata
};

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// The bytes of the file: headers, .dynstr, .dynamic, .rodata, section names, section headers.
inline std::string fake_library(const FakeLibrary& library) {
  std::string names(1, '\0');
  const auto name = [&](const std::string& text) {
    const size_t at = names.size();
    names += text + '\0';
    return at;
  };
  std::vector<Elf64_Dyn> rows;
  const auto row = [&](int64_t tag, uint64_t value) {
    Elf64_Dyn dynamic{};
    dynamic.d_tag = tag;
    dynamic.d_un.d_val = value;
    rows.push_back(dynamic);
  };
  for (const std::string& needed : library.needed) row(DT_NEEDED, name(needed));
  if (!library.soname.empty()) row(DT_SONAME, name(library.soname));
  for (const std::string& symbol : library.symbols) name(symbol);
  constexpr uint64_t kHeaders = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  const uint64_t dynamic_at = (kHeaders + names.size() + 7) / 8 * 8;
  row(DT_STRTAB, kHeaders);
  row(DT_STRSZ, names.size());
  row(DT_NULL, 0);
  const uint64_t dynamic_bytes = rows.size() * sizeof(Elf64_Dyn);
  const std::string section_names("\0.rodata\0.shstrtab\0", 19);
  const uint64_t strings_at = dynamic_at + dynamic_bytes,
                 section_names_at = strings_at + library.strings.size();
  const uint64_t sections_at = (section_names_at + section_names.size() + 7) / 8 * 8;

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = library.machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_shoff = sections_at;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  Elf64_Phdr load{}, dynamic{};
  load.p_type = PT_LOAD;
  load.p_filesz = load.p_memsz = section_names_at;
  dynamic.p_type = PT_DYNAMIC;
  dynamic.p_offset = dynamic.p_vaddr = dynamic_at;
  dynamic.p_filesz = dynamic.p_memsz = dynamic_bytes;
  Elf64_Shdr none{}, strings{}, titles{};
  strings.sh_name = 1;
  strings.sh_type = SHT_PROGBITS;
  strings.sh_offset = strings_at;
  strings.sh_size = library.strings.size();
  titles.sh_name = 9;
  titles.sh_type = SHT_STRTAB;
  titles.sh_offset = section_names_at;
  titles.sh_size = section_names.size();

  std::string out;
  append(out, header);
  append(out, load);
  append(out, dynamic);
  out += names;
  out.resize(dynamic_at);
  for (const Elf64_Dyn& each : rows) append(out, each);
  out += library.strings + section_names;
  out.resize(sections_at);
  append(out, none);
  append(out, strings);
  append(out, titles);
  return out;
}

}  // namespace assay::elf_test_support
