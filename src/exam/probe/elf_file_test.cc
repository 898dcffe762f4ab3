// Stories about reading shared libraries: true ones, those of other machines, and files that lie or are cut
// off.
#include "exam/probe/elf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <elf.h>
#include <cstring>
#include <string>

#include "exam/probe/elf_test_support.h"
#include "os/os.h"

namespace assay::elf_file_test {

using elf_test_support::fake_library;
using elf_test_support::FakeLibrary;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<ElfFacts> read(const std::string& bytes, size_t strings = 4096) {
  const auto fd = file_in_memory(bytes);
  CHECK(fd.has_value());
  return read_elf(fd->get(), "/usr/lib/libx.so", strings);
}

const FakeLibrary kCorex{.soname = "libcudart.so.10.2",
                         .needed = {"libixcl.so", "libc.so.6"},
                         .symbols = {"cudaMalloc", "ixInit"},
                         .strings = std::string("CUDA version 10.2\0corex", 23)};

TEST(Elf, ALibraryTellsMachineNamesAndTexts) {
  const auto facts = read(fake_library(kCorex));
  ASSERT_TRUE(facts.has_value()) << facts.error().message();
  EXPECT_EQ(facts->machine, "x86-64");
  EXPECT_EQ(facts->soname, "libcudart.so.10.2");
  EXPECT_THAT(facts->needed, ElementsAre("libixcl.so", "libc.so.6"));
  EXPECT_THAT(facts->names, HasSubstr("cudaMalloc"));
  EXPECT_THAT(facts->strings, HasSubstr("CUDA version 10.2"));
  EXPECT_EQ(read(fake_library(kCorex), 0)->strings, "");
  EXPECT_EQ(read(fake_library(kCorex), 4)->strings, "CUDA");
}

TEST(Elf, ALibraryOfThisMachineIsReadToo) {
  const HostTree tree("");
  const auto found = tree.expand("/usr/lib/*/libelf.so.1");
  if (found.empty()) GTEST_SKIP() << "no libelf in the usual folders";
  const auto fd = tree.open(found.front());
  ASSERT_TRUE(fd.has_value());
  const auto facts = read_elf(fd->get(), found.front(), 1000);
  ASSERT_TRUE(facts.has_value()) << facts.error().message();
  EXPECT_EQ(facts->soname, "libelf.so.1");
  EXPECT_EQ(facts->machine, own_machine());
  EXPECT_THAT(facts->names, HasSubstr("elf_begin"));
}

TEST(Elf, OtherMachinesHaveNames) {
  FakeLibrary library = kCorex;
  library.machine = EM_AARCH64;
  EXPECT_EQ(read(fake_library(library))->machine, "aarch64");
  library.machine = 258;
  EXPECT_EQ(read(fake_library(library))->machine, "loongarch");
  library.machine = 60000;
  EXPECT_EQ(read(fake_library(library))->machine, "ELF machine 60000");
}

TEST(Elf, WhatIsNoLibraryIsRefusedInWords) {
  EXPECT_EQ(read("").error().what, "is no ELF file");
  EXPECT_EQ(read("garbage that goes on for a while").error().what, "is no ELF file");
  std::string program = fake_library(kCorex);
  program[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  EXPECT_EQ(read(program).error().what, "is no shared library");
  EXPECT_TRUE(is_linker_script("/* GNU ld script"));
  EXPECT_TRUE(is_linker_script("INPUT(-lx)"));
  EXPECT_FALSE(
      is_linker_script("\x7f"
                       "ELF"));
}

TEST(Elf, AFileCutOffAnywhereIsAnErrorOrLessOfTheSame) {
  const std::string whole = fake_library(kCorex);
  size_t failed = 0;
  for (size_t size = 0; size < whole.size(); ++size) failed += !read(whole.substr(0, size)).has_value();
  EXPECT_GT(failed, sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr));
  EXPECT_THAT(read(whole.substr(0, whole.size() - 300)).error().what, HasSubstr("is cut off"));
}

TEST(Elf, EveryByteMayLieWithoutHarm) {
  const std::string whole = fake_library(kCorex);
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char lie : {'\xff', '\x7f', '\0'}) {
      std::string bytes = whole;
      bytes[at] = lie;
      const auto facts = read(bytes);
      if (!facts) continue;
      EXPECT_LE(facts->names.size(), whole.size());
    }
  }
}

}  // namespace assay::elf_file_test
