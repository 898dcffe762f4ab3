// Reading ELF with pread and bounds; see elf_file.h.
#include "bundle/elf_file.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace assay {
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Section = ElfW(Shdr);
using Definition = ElfW(Verdef);
using DefinedName = ElfW(Verdaux);
using Need = ElfW(Verneed);
using NeededName = ElfW(Vernaux);

// Real ones: a dozen segments, forty sections, some hundred versions, half a megabyte of names.
constexpr uint64_t kMostSegments = 128, kMostSections = 4096, kMostVersions = 4096;
constexpr uint64_t kMostBytes = 8 << 20;
constexpr uint64_t kMostPathBytes = 4096;

// The structure at `offset` of the bytes, if it lies in them.
template <typename T>
std::optional<T> at(std::string_view bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// The text at `offset` of a table of strings; empty where there is none, or it does not end.
std::string_view string_at(std::string_view table, uint64_t offset) {
  if (offset >= table.size()) return {};
  const std::string_view rest = table.substr(offset);
  const size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

// The highest number of the names that begin with a prefix.
struct Highest {
  std::string_view prefix, names;
  std::optional<SymbolVersion> version;

  void take(uint64_t name) {
    const std::string_view text = string_at(names, name);
    if (!text.starts_with(prefix)) return;
    const std::optional<SymbolVersion> number = SymbolVersion::parse(text.substr(prefix.size()));
    if (number && (!version || *number > *version)) version = number;
  }
};

}  // namespace

std::optional<SymbolVersion> SymbolVersion::parse(std::string_view text) {
  SymbolVersion version;
  for (size_t i = 0; i < version.parts.size(); ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version.parts[i]);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) return version;
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  return std::nullopt;
}

std::optional<ElfFile> ElfFile::open(const std::string& path) {
  // A FIFO in a library's place must not hold us up.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  return of_descriptor(fd);
}

std::optional<ElfFile> ElfFile::of_descriptor(int fd) {
  if (fd < 0) return std::nullopt;
  ElfFile file(fd);
  if (!file.read_header()) return std::nullopt;
  return file;
}

ElfFile::ElfFile(ElfFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      machine_(other.machine_),
      segments_(other.segments_),
      sections_(other.sections_) {}

ElfFile::~ElfFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool ElfFile::read_header() {
  const std::optional<Header> header = at<Header>(read({0, sizeof(Header)}), 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return false;
  constexpr int kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  constexpr int kOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (header->e_ident[EI_CLASS] != kClass || header->e_ident[EI_DATA] != kOrder) return false;
  machine_ = header->e_machine;
  if (header->e_phentsize == sizeof(Segment) && header->e_phnum <= kMostSegments)
    segments_ = {header->e_phoff, uint64_t{header->e_phnum} * sizeof(Segment)};
  if (header->e_shentsize == sizeof(Section) && header->e_shnum <= kMostSections)
    sections_ = {header->e_shoff, uint64_t{header->e_shnum} * sizeof(Section)};
  return true;
}

std::string ElfFile::read(Span where) const {
  constexpr uint64_t kMostOffset = uint64_t{1} << 62;
  if (where.size > kMostBytes || where.offset > kMostOffset) return {};
  std::string bytes(where.size, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n =
        ::pread(fd_, bytes.data() + have, bytes.size() - have, static_cast<off_t>(where.offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return {};
    have += static_cast<size_t>(n);
  }
  return bytes;
}

std::string ElfFile::interpreter() const {
  const std::string table = read(segments_);
  for (uint64_t offset = 0; offset < table.size(); offset += sizeof(Segment)) {
    const std::optional<Segment> segment = at<Segment>(table, offset);
    if (!segment || segment->p_type != PT_INTERP) continue;
    if (segment->p_filesz > kMostPathBytes) return {};
    return std::string(string_at(read({segment->p_offset, segment->p_filesz}), 0));
  }
  return {};
}

ElfFile::Versions ElfFile::versions(uint32_t section_type) const {
  const std::string table = read(sections_);
  for (uint64_t i = 0; i < table.size() / sizeof(Section); ++i) {
    const std::optional<Section> section = at<Section>(table, i * sizeof(Section));
    if (!section || section->sh_type != section_type) continue;
    const std::optional<Section> strings = at<Section>(table, uint64_t{section->sh_link} * sizeof(Section));
    if (!strings || strings->sh_type != SHT_STRTAB) continue;
    return {read({section->sh_offset, section->sh_size}), read({strings->sh_offset, strings->sh_size})};
  }
  return {};
}

std::optional<SymbolVersion> ElfFile::highest_version(std::string_view prefix) const {
  const Versions versions = this->versions(SHT_GNU_verdef);
  Highest highest{prefix, versions.names, std::nullopt};
  uint64_t offset = 0;
  for (uint64_t n = 0; n < kMostVersions; ++n) {
    const std::optional<Definition> definition = at<Definition>(versions.entries, offset);
    if (!definition) break;
    if (const auto name = at<DefinedName>(versions.entries, offset + definition->vd_aux))
      highest.take(name->vda_name);
    if (definition->vd_next == 0) break;
    offset += definition->vd_next;
  }
  return highest.version;
}

std::optional<SymbolVersion> ElfFile::highest_needed_version(std::string_view prefix) const {
  const Versions versions = this->versions(SHT_GNU_verneed);
  Highest highest{prefix, versions.names, std::nullopt};
  uint64_t offset = 0, left = kMostVersions;
  for (uint64_t n = 0; n < kMostVersions; ++n) {  // one a library
    const std::optional<Need> need = at<Need>(versions.entries, offset);
    if (!need) break;
    for (uint64_t at_name = offset + need->vn_aux; left > 0; --left) {  // one a version
      const std::optional<NeededName> name = at<NeededName>(versions.entries, at_name);
      if (!name) break;
      highest.take(name->vna_name);
      if (name->vna_next == 0) break;
      at_name += name->vna_next;
    }
    if (need->vn_next == 0) break;
    offset += need->vn_next;
  }
  return highest.version;
}

}  // namespace assay
