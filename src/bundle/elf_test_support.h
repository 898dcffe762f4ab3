// Small ELF files for the tests of the launcher: with an interpreter, and with versions of symbols as a
// library defines them.
#pragma once

#include <elf.h>
#include <link.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace assay {

struct FakeElf {
  uint16_t machine = 62;  // EM_X86_64
  std::string interpreter;
  std::vector<std::string> versions;  // that it defines
  std::vector<std::string> needs;     // that it needs of libc.so.6

  std::string bytes() const {
    std::string names(1, '\0'), definitions;
    for (size_t i = 0; i < versions.size(); ++i) {
      ElfW(Verdef) definition{};
      definition.vd_version = 1;
      definition.vd_cnt = 1;
      definition.vd_aux = sizeof definition;
      ElfW(Verdaux) name{};
      name.vda_name = static_cast<uint32_t>(names.size());
      definition.vd_next = i + 1 < versions.size() ? sizeof definition + sizeof name : 0;
      append(definitions, definition);
      append(definitions, name);
      names += versions[i] + '\0';
    }
    std::string needed;
    if (!needs.empty()) {
      ElfW(Verneed) need{};
      need.vn_version = 1;
      need.vn_cnt = static_cast<uint16_t>(needs.size());
      need.vn_aux = sizeof need;
      append(needed, need);
      for (size_t i = 0; i < needs.size(); ++i) {
        ElfW(Vernaux) name{};
        name.vna_name = static_cast<uint32_t>(names.size());
        name.vna_next = i + 1 < needs.size() ? sizeof name : 0;
        append(needed, name);
        names += needs[i] + '\0';
      }
    }
    const std::string loader = interpreter.empty() ? "" : interpreter + '\0';

    ElfW(Ehdr) header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    header.e_ident[EI_DATA] = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    header.e_machine = machine;
    header.e_phentsize = sizeof(ElfW(Phdr));
    header.e_shentsize = sizeof(ElfW(Shdr));
    header.e_phoff = sizeof header;
    header.e_phnum = interpreter.empty() ? 0 : 1;
    const uint64_t contents = sizeof header + header.e_phnum * sizeof(ElfW(Phdr));
    header.e_shoff = contents + loader.size() + names.size() + definitions.size() + needed.size();
    header.e_shnum = 3;

    std::string file;
    append(file, header);
    if (!interpreter.empty()) {
      ElfW(Phdr) segment{};
      segment.p_type = PT_INTERP;
      segment.p_offset = contents;
      segment.p_filesz = loader.size();
      append(file, segment);
    }
    const uint64_t names_at = contents + loader.size(), definitions_at = names_at + names.size();
    file += loader + names + definitions + needed;
    append(file, section(SHT_STRTAB, names_at, names.size()));
    append(file, section(SHT_GNU_verdef, definitions_at, definitions.size()));
    append(file, section(SHT_GNU_verneed, definitions_at + definitions.size(), needed.size()));
    return file;
  }

 private:
  template <typename T>
  static void append(std::string& bytes, const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static ElfW(Shdr) section(uint32_t type, uint64_t offset, uint64_t size) {
    ElfW(Shdr) section{};
    section.sh_type = type;
    section.sh_offset = offset;
    section.sh_size = size;
    section.sh_link = 0;  // the strings
    return section;
  }
};

}  // namespace assay
