// What the launcher reads of libraries, good and bad.
#include "bundle/elf_file.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "bundle/elf_test_support.h"

namespace assay::elf_file_test {

std::optional<ElfFile> file_of(const std::string& bytes) {
  const int fd = ::memfd_create("elf", MFD_CLOEXEC);
  EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return ElfFile::of_descriptor(fd);
}

SymbolVersion version(const char* text) {
  return SymbolVersion::parse(text).value();
}

TEST(SymbolVersion, AreNumbersAndNotText) {
  EXPECT_LT(version("2.9"), version("2.10"));
  EXPECT_LT(version("2.36"), version("2.36.1"));
  EXPECT_LT(version("3.4.9"), version("3.4.30"));
  EXPECT_EQ(version("2.36"), version("2.36.0"));
  for (const char* none : {"", "PRIVATE", "2.", ".2", "2.x", "2.36 ", "-1", "1.2.3.4", "99999999999"})
    EXPECT_FALSE(SymbolVersion::parse(none)) << none;
}

TEST(ElfFile, TellsTheHighestVersionOfItsOwnKind) {
  const auto libc = file_of(FakeElf{
      .versions = {"libc.so.6", "GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_2.9", "GLIBC_PRIVATE", "GLIBCXX_9.9"}}
                                .bytes());
  ASSERT_TRUE(libc);
  EXPECT_EQ(libc->highest_version("GLIBC_"), version("2.36"));
  EXPECT_EQ(libc->highest_version("GCC_"), std::nullopt);
  EXPECT_EQ(libc->machine(), 62);
  EXPECT_EQ(libc->interpreter(), "");
}

TEST(ElfFile, TellsApartWhatItDefinesAndWhatItNeeds) {
  const auto runtime =
      file_of(FakeElf{.versions = {"GLIBCXX_3.4.33"}, .needs = {"GLIBC_2.38", "GLIBC_2.4"}}.bytes());
  ASSERT_TRUE(runtime);
  EXPECT_EQ(runtime->highest_version("GLIBC_"), std::nullopt);
  EXPECT_EQ(runtime->highest_needed_version("GLIBC_"), version("2.38"));
  EXPECT_EQ(runtime->highest_needed_version("GLIBCXX_"), std::nullopt);
}

TEST(ElfFile, TellsTheLoaderThatAProgramAsksFor) {
  EXPECT_EQ(file_of(FakeElf{.interpreter = "/lib/ld.so.1"}.bytes())->interpreter(), "/lib/ld.so.1");
}

TEST(ElfFile, ReadsThisMachinesOwnLibraries) {
  const auto self = ElfFile::open("/proc/self/exe");
  ASSERT_TRUE(self);
  const std::filesystem::path loader = std::filesystem::canonical(self->interpreter());
  const auto libc = ElfFile::open((loader.parent_path() / "libc.so.6").string());
  if (!libc) GTEST_SKIP() << "no GNU C library beside " << loader;
  EXPECT_EQ(libc->machine(), self->machine());
  EXPECT_GE(libc->highest_version("GLIBC_").value(), version("2.28"));
}

TEST(ElfFile, IsNothingThatIsNone) {
  EXPECT_FALSE(ElfFile::open("/nowhere/libc.so.6"));
  EXPECT_FALSE(ElfFile::open("/tmp"));
  EXPECT_FALSE(file_of(""));
  EXPECT_FALSE(
      file_of("\x7f"
              "ELF"));
  EXPECT_FALSE(file_of(std::string(4096, 'x')));
  std::string other = FakeElf{}.bytes();
  other[EI_CLASS] = static_cast<char>(3 - other[EI_CLASS]);
  EXPECT_FALSE(file_of(other)) << "of another word size";
}

TEST(ElfFile, APipeInItsPlaceHoldsNobodyUp) {
  char folder[] = "/tmp/assay-elf-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/libc.so.6";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(ElfFile::open(path));
  std::filesystem::remove_all(folder);
}

TEST(ElfFile, EveryCutAndEveryChangedByteIsBorne) {
  const std::string whole = FakeElf{.interpreter = "/lib/ld.so.1",
                                    .versions = {"GLIBC_2.36", "GLIBC_2.2.5"},
                                    .needs = {"GLIBC_2.34", "GLIBC_2.4"}}
                                .bytes();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(0xff);
    for (const std::string& bytes : {whole.substr(0, i), changed}) {
      if (const auto file = file_of(bytes)) {
        EXPECT_LE(file->interpreter().size(), 4096U);
        file->highest_version("GLIBC_");
        file->highest_needed_version("GLIBC_");
      }
    }
  }
}

TEST(ElfFile, AChainOfVersionsThatLeadsOutOfTheFileEnds) {
  std::string bytes = FakeElf{.versions = {"GLIBC_2.36", "GLIBC_2.2.5"}}.bytes();
  // The first definition says that the next one lies four gigabytes on.
  const size_t at =
      bytes.size() - 3 * sizeof(ElfW(Shdr)) - 2 * (sizeof(ElfW(Verdef)) + sizeof(ElfW(Verdaux)));
  const uint32_t far_away = 0xffffffff;
  std::memcpy(bytes.data() + at + offsetof(ElfW(Verdef), vd_next), &far_away, sizeof far_away);
  EXPECT_EQ(file_of(bytes)->highest_version("GLIBC_"), version("2.36"));
}

}  // namespace assay::elf_file_test
