// ElfFile: the little that the launcher reads of a program or shared library, without running any of it: the
// machine that it is for, the loader that it asks for, and the versions of symbols that it defines.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

// The number of a symbol version: {2, 36, 0} of "GLIBC_2.36", {3, 4, 30} of "GLIBCXX_3.4.30".
struct SymbolVersion {
  std::array<uint32_t, 3> parts{};
  auto operator<=>(const SymbolVersion&) const = default;

  // Of one to three numbers with points between them and nothing else ("PRIVATE" is none).
  static std::optional<SymbolVersion> parse(std::string_view text);
};

// Opened once, read where it is asked. Every byte is hostile: sizes are bounded and offsets checked, and what
// makes no sense is as if it were not there. ELF of this machine's own word size and byte order only. (System
// V ABI, chapters 4 and 5; Linux Standard Base, "Symbol Versioning".)
class ElfFile {
 public:
  static std::optional<ElfFile> open(const std::string& path);
  // Takes the descriptor.
  static std::optional<ElfFile> of_descriptor(int fd);
  ElfFile(ElfFile&& other) noexcept;
  ElfFile& operator=(ElfFile&&) = delete;
  ~ElfFile();

  uint16_t machine() const { return machine_; }  // EM_X86_64 …
  std::string interpreter() const;               // "/lib64/ld-linux-x86-64.so.2"; "" if it names none
  // The highest number of the versions that it defines and that begin with `prefix` ("GLIBC_").
  std::optional<SymbolVersion> highest_version(std::string_view prefix) const;
  // The same of those that it needs of other libraries.
  std::optional<SymbolVersion> highest_needed_version(std::string_view prefix) const;

 private:
  explicit ElfFile(int fd) : fd_(fd) {}

  struct Span {
    uint64_t offset = 0, size = 0;
  };
  // A section of versions, and the table of strings that has their names.
  struct Versions {
    std::string entries, names;
  };
  bool read_header();
  Versions versions(uint32_t section_type) const;
  std::string read(Span where) const;  // empty if the file has not so much there

  int fd_ = -1;
  uint16_t machine_ = 0;
  Span segments_, sections_;
};

}  // namespace assay
