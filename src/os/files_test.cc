// Files: whole or not at all, bounded, and errors that name the path.
#include "os/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace assay::files_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/assay-files-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(directory_); }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string directory_;
};

TEST_F(Files, WhatIsWrittenIsReadBack) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(write_file_atomically(path("f"), content));
  EXPECT_EQ(read_file(path("f"), 4).value(), content);
  EXPECT_EQ(file_size(path("f")).value(), 4);
  ASSERT_TRUE(write_file_atomically(path("f"), "new"));
  EXPECT_EQ(read_file(path("f"), 100).value(), "new");
  EXPECT_THAT(list_directory(directory_).value(), ElementsAre("f")) << "nothing temporary is left";
}

TEST_F(Files, AFileBeyondTheBoundIsRefused) {
  ASSERT_TRUE(write_file_atomically(path("f"), "12345"));
  EXPECT_TRUE(read_file(path("f"), 5));
  const Result<std::string> refused = read_file(path("f"), 4);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("larger than"));
  EXPECT_FALSE(read_file("/dev/zero", 1'000'000)) << "however long it goes on";
}

TEST_F(Files, ErrorsNameThePathAndTheReason) {
  const Result<std::string> absent = read_file(path("absent"), 10);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().where, path("absent"));
  EXPECT_THAT(absent.error().message(), HasSubstr("No such file"));
  EXPECT_FALSE(read_file(directory_, 10));
  EXPECT_FALSE(file_size(path("absent")));
  EXPECT_FALSE(list_directory(path("absent")));
  EXPECT_FALSE(write_file_atomically(path("absent/f"), "x"));
  EXPECT_FALSE(MappedFile::open(path("absent")));
  EXPECT_FALSE(MappedFile::open(directory_));
  EXPECT_FALSE(free_disk_space_bytes(path("absent")));
}

TEST_F(Files, AFailedWriteLeavesTheOldFileAlone) {
  ASSERT_TRUE(make_directories(path("target")));
  ASSERT_FALSE(write_file_atomically(path("target"), "x")) << "a folder cannot be replaced by a file";
  EXPECT_THAT(list_directory(directory_).value(), ElementsAre("target"));
}

TEST_F(Files, AFullDiskIsAnErrorThatSaysSo) {
  // /dev/full takes no byte; the temporary name is made to point there.
  const std::string temporary = path("f") + "." + std::to_string(::getpid()) + ".tmp";
  ASSERT_EQ(::symlink("/dev/full", temporary.c_str()), 0);
  const Result<void> full = write_file_atomically(path("f"), "content");
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message(), AllOf(HasSubstr("No space left"), HasSubstr("Free some space")));
  EXPECT_TRUE(list_directory(directory_).value().empty());
}

TEST_F(Files, FoldersAreMadeAndListedInOrder) {
  ASSERT_TRUE(make_directories(path("a/b/c")));
  ASSERT_TRUE(make_directories(path("a/b/c"))) << "twice is fine";
  ASSERT_TRUE(write_file_atomically(path("a/z"), ""));
  EXPECT_THAT(list_directory(path("a")).value(), ElementsAre("b", "z"));
  ASSERT_FALSE(make_directories(path("a/z/below"))) << "a file is in the way";
  remove_file(path("a/z"));
  remove_file(path("a/z"));
  EXPECT_FALSE(file_exists(path("a/z")));
  EXPECT_GT(free_disk_space_bytes(directory_).value(), 0);
}

TEST_F(Files, PathsComeApart) {
  EXPECT_EQ(parent_directory("/a/b.txt"), "/a");
  EXPECT_EQ(parent_directory("b.txt"), ".");
  EXPECT_EQ(file_name("/a/b.txt"), "b.txt");
  EXPECT_EQ(absolute_path("/a/./x/../b"), "/a/b");
  EXPECT_TRUE(absolute_path("b").starts_with('/'));
  EXPECT_TRUE(file_exists(own_executable_path().value()));
}

TEST_F(Files, AMappedFileIsItsBytesAndCanMove) {
  ASSERT_TRUE(write_file_atomically(path("f"), "bytes"));
  Result<MappedFile> mapped = MappedFile::open(path("f"));
  ASSERT_TRUE(mapped);
  const MappedFile moved = std::move(*mapped);
  ASSERT_EQ(moved.bytes().size(), 5U);
  EXPECT_EQ(static_cast<char>(moved.bytes()[0]), 'b');
  EXPECT_TRUE(mapped->bytes().empty());
  ASSERT_TRUE(write_file_atomically(path("empty"), ""));
  EXPECT_TRUE(MappedFile::open(path("empty"))->bytes().empty());
}

TEST_F(Files, ADirectoryIsLockedByOneAtATime) {
  {
    const Result<FileDescriptor> first = lock_directory(directory_);
    ASSERT_TRUE(first) << first.error().message();
    const Result<FileDescriptor> second = lock_directory(directory_);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message(), HasSubstr("another assay is at work"));
  }
  EXPECT_TRUE(lock_directory(directory_));
  EXPECT_FALSE(lock_directory(path("nowhere")));
}

TEST(FileDescriptor, ClosesWhatItHolds) {
  int raw;
  {
    FileDescriptor fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = fd.get();
    FileDescriptor other = std::move(fd);
    EXPECT_FALSE(fd.valid());
    EXPECT_EQ(other.get(), raw);
    EXPECT_EQ(::fcntl(raw, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  }
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

}  // namespace assay::files_test
