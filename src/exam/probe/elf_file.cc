// ELF headers by libelf, all bytes by bounded reads; see elf_file.h.
#include "exam/probe/elf_file.h"

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kMostProgramHeaders = 512, kMostSections = 20'000, kMostNeeded = 64;
constexpr size_t kMostDynamicBytes = 64 << 10, kMostNameBytes = 512 << 10, kMostTextBytes = 200;
constexpr int kLoongArch = 258;  // newer than this libelf's header

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, EndElf>;

// What is read of one file.
struct ElfReading {
  Elf* elf;
  int fd;
  int64_t file_bytes;
  std::string_view path;
  std::vector<GElf_Phdr> segments;
};

std::string machine_name(const GElf_Ehdr& header) {
  switch (header.e_machine) {
    case EM_X86_64:
      return header.e_ident[EI_CLASS] == ELFCLASS64 ? "x86-64" : "x32";
    case EM_386:
      return "x86, 32 bits";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "arm, 32 bits";
    case EM_PPC64:
      return "ppc64";
    case EM_RISCV:
      return "riscv";
    case EM_S390:
      return "s390x";
    case EM_MIPS:
      return "mips";
    case kLoongArch:
      return "loongarch";
    default:
      return fmt::format("ELF machine {}", header.e_machine);
  }
}

bool is_within(const ElfReading& reading, uint64_t offset, uint64_t size) {
  const auto file = static_cast<uint64_t>(reading.file_bytes);
  return offset <= file && size <= file - offset;
}

Result<void> read_segments(ElfReading& reading) {
  size_t count = 0;
  if (elf_getphdrnum(reading.elf, &count) != 0 || count == 0)
    return fail("its program headers cannot be read", reading.path);
  if (count > kMostProgramHeaders) return fail(fmt::format("has {} program headers", count), reading.path);
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr segment{};
    if (gelf_getphdr(reading.elf, static_cast<int>(i), &segment) == nullptr)
      return fail("its program headers are cut off", reading.path);
    const bool has_bytes = segment.p_type == PT_LOAD || segment.p_type == PT_DYNAMIC;
    if (has_bytes && !is_within(reading, segment.p_offset, segment.p_filesz))
      return fail(fmt::format("is cut off: it has {} bytes, and a segment of {} begins at {}",
                              reading.file_bytes, segment.p_filesz, segment.p_offset),
                  reading.path);
    reading.segments.push_back(segment);
  }
  return {};
}

// Where the bytes of an address lie in the file, and how many follow in its segment.
std::optional<std::pair<uint64_t, uint64_t>> place_of(const ElfReading& reading, uint64_t address) {
  for (const GElf_Phdr& segment : reading.segments) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const uint64_t into = address - segment.p_vaddr;
    if (into < segment.p_filesz) return std::pair(segment.p_offset + into, segment.p_filesz - into);
  }
  return std::nullopt;
}

// Of the dynamic section: what points into the string table, and where that is.
struct DynamicRows {
  std::optional<uint64_t> names_address;
  uint64_t names_bytes = 0;
  std::optional<uint64_t> soname;
  std::vector<uint64_t> needed;
};

DynamicRows read_dynamic(const ElfReading& reading, const GElf_Phdr& segment) {
  DynamicRows rows;
  const size_t bytes = std::min<size_t>(segment.p_filesz, kMostDynamicBytes);
  Elf_Data* data =
      elf_getdata_rawchunk(reading.elf, static_cast<int64_t>(segment.p_offset), bytes, ELF_T_DYN);
  if (data == nullptr) return rows;
  const size_t count = data->d_size / std::max<size_t>(gelf_fsize(reading.elf, ELF_T_DYN, 1, EV_CURRENT), 1);
  for (size_t i = 0; i < count; ++i) {
    GElf_Dyn row{};
    if (gelf_getdyn(data, static_cast<int>(i), &row) == nullptr || row.d_tag == DT_NULL) break;
    if (row.d_tag == DT_STRTAB) rows.names_address = row.d_un.d_ptr;
    if (row.d_tag == DT_STRSZ) rows.names_bytes = row.d_un.d_val;
    if (row.d_tag == DT_SONAME) rows.soname = row.d_un.d_val;
    if (row.d_tag == DT_NEEDED && rows.needed.size() < kMostNeeded) rows.needed.push_back(row.d_un.d_val);
  }
  return rows;
}

std::string read_names(const ElfReading& reading, const DynamicRows& rows) {
  if (!rows.names_address) return "";
  const auto place = place_of(reading, *rows.names_address);
  if (!place) return "";
  const uint64_t bytes = std::min({rows.names_bytes, place->second, uint64_t{kMostNameBytes}});
  return read_part(reading.fd, static_cast<int64_t>(place->first), bytes);
}

// The text at an offset of the string table; a name beyond what was read of it is read alone.
std::string name_at(const ElfReading& reading, const DynamicRows& rows, uint64_t offset) {
  if (!rows.names_address || offset >= rows.names_bytes) return "";
  const auto place = place_of(reading, *rows.names_address);
  if (!place || offset >= place->second) return "";
  const size_t bytes = std::min<uint64_t>(place->second - offset, kMostTextBytes);
  const std::string text = read_part(reading.fd, static_cast<int64_t>(place->first + offset), bytes);
  return printable(text.substr(0, text.find('\0')), kMostTextBytes);
}

// The header of a section by its name; its name is read from the file, not through libelf's tables.
std::optional<GElf_Shdr> find_section(const ElfReading& reading, std::string_view name) {
  size_t count = 0, names_index = 0;
  if (elf_getshdrnum(reading.elf, &count) != 0 || count == 0 || count > kMostSections) return std::nullopt;
  if (elf_getshdrstrndx(reading.elf, &names_index) != 0 || names_index >= count) return std::nullopt;
  GElf_Shdr names{};
  Elf_Scn* names_section = elf_getscn(reading.elf, names_index);
  if (names_section == nullptr || gelf_getshdr(names_section, &names) == nullptr) return std::nullopt;
  for (size_t i = 1; i < count; ++i) {
    Elf_Scn* section = elf_getscn(reading.elf, i);
    GElf_Shdr header{};
    if (section == nullptr || gelf_getshdr(section, &header) == nullptr) return std::nullopt;
    if (header.sh_type != SHT_PROGBITS || header.sh_name >= names.sh_size) continue;
    if (!is_within(reading, names.sh_offset, names.sh_size)) return std::nullopt;
    const std::string text =
        read_part(reading.fd, static_cast<int64_t>(names.sh_offset + header.sh_name), name.size() + 1);
    if (text.size() == name.size() + 1 && text.starts_with(name) && text.back() == '\0') return header;
  }
  return std::nullopt;
}

std::string read_strings(const ElfReading& reading, size_t most_bytes) {
  const std::optional<GElf_Shdr> section = find_section(reading, ".rodata");
  if (!section || !is_within(reading, section->sh_offset, section->sh_size)) return "";
  return read_part(reading.fd, static_cast<int64_t>(section->sh_offset),
                   std::min<uint64_t>(section->sh_size, most_bytes));
}

}  // namespace

Result<ElfFacts> read_elf(int fd, std::string_view path, size_t most_string_bytes) {
  CHECK(elf_version(EV_CURRENT) != EV_NONE);
  const ElfHandle elf(elf_begin(fd, ELF_C_READ, nullptr));
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF) return fail("is no ELF file", path);
  GElf_Ehdr header{};
  if (gelf_getehdr(elf.get(), &header) == nullptr) return fail("its ELF header is cut off", path);
  if (header.e_type != ET_DYN) return fail("is no shared library", path);
  ElfReading reading{elf.get(), fd, size_of(fd), path, {}};
  RETURN_IF_ERROR(read_segments(reading));
  ElfFacts facts;
  facts.machine = machine_name(header);
  const auto dynamic = std::ranges::find(reading.segments, GElf_Word{PT_DYNAMIC}, &GElf_Phdr::p_type);
  if (dynamic == reading.segments.end()) return fail("has no dynamic section", path);
  const DynamicRows rows = read_dynamic(reading, *dynamic);
  if (rows.soname) facts.soname = name_at(reading, rows, *rows.soname);
  for (const uint64_t offset : rows.needed) facts.needed.push_back(name_at(reading, rows, offset));
  facts.names = read_names(reading, rows);
  if (most_string_bytes > 0) facts.strings = read_strings(reading, most_string_bytes);
  return facts;
}

bool is_linker_script(std::string_view beginning) {
  const std::string_view text = trim(beginning);
  return text.starts_with("/*") || text.starts_with("INPUT") || text.starts_with("GROUP") ||
         text.starts_with("OUTPUT_FORMAT");
}

std::string own_machine() {
#if defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#elif defined(__riscv)
  return "riscv";
#elif defined(__powerpc64__)
  return "ppc64";
#elif defined(__loongarch__)
  return "loongarch";
#elif defined(__s390x__)
  return "s390x";
#else
  return "";  // unknown: no library is of the wrong machine
#endif
}

}  // namespace assay
