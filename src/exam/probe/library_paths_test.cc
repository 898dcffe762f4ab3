// Stories about where a loader looks: caches of both formats, configurations that include others, and
// nonsense.
#include "exam/probe/library_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "exam/probe/elf_test_support.h"

namespace assay::library_paths_test {

using elf_test_support::append;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

struct Entry {
  std::string name, path;
};

std::string new_cache(const std::vector<Entry>& entries) {
  std::string head = "glibc-ld.so.cache1.1", rows, texts;
  append(head, static_cast<uint32_t>(entries.size()));
  head.resize(48, '\0');
  const size_t texts_at = head.size() + entries.size() * 24;
  for (const Entry& entry : entries) {
    append(rows, int32_t{0x303});
    append(rows, static_cast<uint32_t>(texts_at + texts.size()));
    texts += entry.name + '\0';
    append(rows, static_cast<uint32_t>(texts_at + texts.size()));
    texts += entry.path + '\0';
    append(rows, uint32_t{0});
    append(rows, uint64_t{0});
  }
  return head + rows + texts;
}

std::string old_cache(const std::vector<Entry>& entries) {
  std::string head = "ld.so-1.7.0", rows, texts;
  head.resize(12, '\0');
  append(head, static_cast<uint32_t>(entries.size()));
  for (const Entry& entry : entries) {
    append(rows, int32_t{1});
    append(rows, static_cast<uint32_t>(texts.size()));
    texts += entry.name + '\0';
    append(rows, static_cast<uint32_t>(texts.size()));
    texts += entry.path + '\0';
  }
  return head + rows + texts;
}

const std::vector<Entry> kEntries = {{"libcuda.so.1", "/usr/lib64/libcuda.so.1"},
                                     {"libc.so.6", "/lib64/libc.so.6"}};

TEST(LdCache, BothFormatsAndOneBehindTheOther) {
  std::string both = old_cache({});
  both.resize((both.size() + 7) / 8 * 8, '\0');
  for (const std::string& bytes : {new_cache(kEntries), old_cache(kEntries), both + new_cache(kEntries)}) {
    const auto libraries = parse_ld_cache(bytes);
    ASSERT_EQ(libraries.size(), 2u);
    EXPECT_EQ(libraries[0].name, "libcuda.so.1");
    EXPECT_EQ(libraries[0].path, "/usr/lib64/libcuda.so.1");
  }
}

TEST(LdCache, CutOffOrLyingItHasFewerEntries) {
  const std::string whole = new_cache(kEntries);
  for (size_t size = 0; size <= whole.size(); ++size)
    EXPECT_LE(parse_ld_cache(whole.substr(0, size)).size(), 2u);
  std::string lying = whole;
  for (size_t i = 20; i < 24; ++i) lying[i] = '\xff';
  EXPECT_LE(parse_ld_cache(lying).size(), 10u);
  EXPECT_TRUE(parse_ld_cache("").empty());
  EXPECT_TRUE(parse_ld_cache("ld.so-1.7.0").empty());
  EXPECT_TRUE(parse_ld_cache(new_cache({{"libx.so", "relative/libx.so"}})).empty());
}

class LoaderConfiguration : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "loader-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(parent_directory(root_ + path));
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(LoaderConfiguration, IncludesAreFollowedAndNotForEver) {
  write("/etc/ld.so.conf",
        "# comment\ninclude ld.so.conf.d/*.conf\n/opt/x/lib:/opt/y/lib # more\nhwcap 1 nosegneg\n");
  write("/etc/ld.so.conf.d/a.conf", "/usr/local/corex/lib64/\ninclude /etc/ld.so.conf\n");
  write("/etc/ld.so.conf.d/b.txt", "/not/this");
  EXPECT_THAT(configured_folders(HostTree(root_)),
              ElementsAre("/usr/local/corex/lib64", "/opt/x/lib", "/opt/y/lib"));
}

// Each line once more: without a bound on files, 2,000 lines that name their own file would be read 2,000 to
// the power of the depth times.
TEST_F(LoaderConfiguration, AFileThatIncludesItselfAThousandTimesIsReadOnce) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "include /etc/ld.so.c*\n";
  write("/etc/ld.so.conf", text + "/opt/behind\n");
  EXPECT_THAT(configured_folders(HostTree(root_)), ElementsAre("/opt/behind"));
}

TEST_F(LoaderConfiguration, TheVariableComesFirstAndRelativeFoldersAreLeftOut) {
  write("/etc/ld.so.conf", "/opt/x/lib\n");
  const auto folders = library_folders(HostTree(root_), "/a/b:relative:;/c");
  EXPECT_EQ(folders[0], "/a/b");
  EXPECT_EQ(folders[1], "/c");
  EXPECT_EQ(folders[2], "/opt/x/lib");
  EXPECT_THAT(folders,
              IsSupersetOf({"/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}));
}

}  // namespace assay::library_paths_test
