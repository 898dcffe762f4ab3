// Stories about the files of another host: links stay below its root, circles end, patterns find what they
// say.
#include "os/host_tree.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>

namespace assay::host_tree_test {

class Tree : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "tree-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(parent_directory(root_ + path));
    std::ofstream(root_ + path) << text;
  }
  void link(const std::string& target, const std::string& path) {
    std::filesystem::create_directories(parent_directory(root_ + path));
    std::filesystem::create_symlink(target, root_ + path);
  }

  std::string root_;
};

TEST_F(Tree, AnAbsoluteLinkLeadsBelowTheRootAndNeverOut) {
  write("/opt/stack-2/lib/libx.so.2", "two");
  link("/opt/stack-2", "/etc/alternatives/stack");
  link("/etc/alternatives/stack", "/opt/stack");
  link("../../../../../../../../opt/stack/lib", "/opt/up");
  const HostTree tree(root_ + "/");
  EXPECT_EQ(tree.resolve("/opt/stack/lib/libx.so.2"), "/opt/stack-2/lib/libx.so.2");
  EXPECT_EQ(tree.resolve("/opt/up/libx.so.2"), "/opt/stack-2/lib/libx.so.2");
  EXPECT_EQ(tree.head("/opt/stack/lib/libx.so.2", 2), "tw");
  EXPECT_EQ(tree.resolve("/.."), "/");
}

TEST_F(Tree, LinksInCirclesAndFilesAsFoldersAreNotThere) {
  link("b", "/a");
  link("a", "/b");
  write("/file", "x");
  const HostTree tree(root_);
  EXPECT_FALSE(tree.resolve("/a"));
  EXPECT_FALSE(tree.resolve("/file/x"));
  EXPECT_FALSE(tree.resolve("/none"));
  EXPECT_TRUE(tree.list("/a").empty());
}

TEST_F(Tree, ListingsHaveABoundAndPatternsFindWhatTheySay) {
  for (const char* name : {"cuda", "cuda-11.8", "cuda-12.4", "other"})
    write(std::string("/usr/local/") + name + "/x", "");
  const HostTree tree(root_);
  EXPECT_EQ(tree.list("/usr/local", 2).size(), 2u);
  EXPECT_EQ(tree.expand("/usr/local/cuda*"),
            (std::vector<std::string>{"/usr/local/cuda", "/usr/local/cuda-11.8", "/usr/local/cuda-12.4"}));
  EXPECT_EQ(tree.expand("/usr/*/cuda-1[0-9].[0-9]/x").size(), 2u);
  EXPECT_TRUE(tree.expand("/usr/local/none*").empty());
}

TEST_F(Tree, NeitherPipesNorFoldersAreOpened) {
  ASSERT_EQ(::mkfifo((root_ + "/pipe").c_str(), 0600), 0);
  write("/folder/x", "");
  const HostTree tree(root_);
  EXPECT_FALSE(tree.open("/pipe"));
  EXPECT_FALSE(tree.open("/folder"));
  EXPECT_FALSE(tree.head("/pipe", 10));
}

TEST_F(Tree, APartOfAFileEndsWithTheFileOrItsBound) {
  write("/long", std::string(700'000, 'x') + "end");
  const HostTree tree(root_);
  EXPECT_EQ(tree.head("/long", 16 << 20)->size(), 700'003u);
  EXPECT_EQ(tree.head("/long", 600'000)->size(), 600'000u);
  const Result<FileDescriptor> fd = tree.open("/long");
  ASSERT_TRUE(fd);
  EXPECT_EQ(read_part(fd->get(), 700'000, 100), "end");
  EXPECT_EQ(read_part(fd->get(), 800'000, 100), "");
}

TEST(Pattern, StarsAndDigits) {
  EXPECT_TRUE(matches_pattern("nvidia0", "nvidia[0-9]*"));
  EXPECT_FALSE(matches_pattern("nvidiactl", "nvidia[0-9]*"));
  EXPECT_TRUE(matches_pattern("nvidiactl", "nvidiactl"));
  EXPECT_TRUE(matches_pattern("", "*"));
  EXPECT_TRUE(matches_pattern("a-b-c", "a*c"));
  EXPECT_FALSE(matches_pattern("a-b", "a*c"));
}

}  // namespace assay::host_tree_test
