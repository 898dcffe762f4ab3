// Outputs go where they were sent: links stay links, devices and pipes stay what they are.
#include "os/output_place.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "os/large_files.h"

namespace assay::output_place_test {

using ::testing::HasSubstr;

class OutputPlaceTest : public ::testing::Test {
 protected:
  OutputPlaceTest() {
    char name[] = "/tmp/assay-output-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~OutputPlaceTest() override { std::filesystem::remove_all(directory_); }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string link(const std::string& target, const std::string& name) const {
    EXPECT_EQ(::symlink(target.c_str(), path(name).c_str()), 0);
    return path(name);
  }
  std::string pipe(const std::string& name) const {
    EXPECT_EQ(::mkfifo(path(name).c_str(), 0600), 0);
    return path(name);
  }
  static Result<void> write_in_pieces(const std::string& path, std::string_view text) {
    ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
    for (const char& each : text) RETURN_IF_ERROR(file.append(std::as_bytes(std::span(&each, 1))));
    return file.commit();
  }
  // Both ways of writing an output.
  static constexpr Result<void> (*kWriters[])(const std::string&, std::string_view) = {write_file_atomically,
                                                                                       write_in_pieces};
  std::string directory_;
};

TEST_F(OutputPlaceTest, ALinkStaysAndItsTargetIsReplaced) {
  ASSERT_TRUE(make_directories(path("far")));
  const std::string near = link("far/file", "near");  // the target is not there yet
  const std::string chain = link(near, "chain");
  for (const auto write : kWriters) {
    for (const char* text : {"old", "new"}) {
      ASSERT_TRUE(write(chain, text));
      EXPECT_EQ(read_file(path("far/file"), 10).value(), text);
      EXPECT_TRUE(std::filesystem::is_symlink(near));
      EXPECT_TRUE(std::filesystem::is_symlink(chain));
    }
    EXPECT_EQ(list_directory(path("far")).value().size(), 1U) << "nothing temporary is left";
    EXPECT_EQ(list_directory(directory_).value().size(), 3U);
  }
}

TEST_F(OutputPlaceTest, ALinkThatLeadsToItselfIsAnError) {
  const std::string loop = link("loop", "loop");
  for (const auto write : kWriters) EXPECT_FALSE(write(loop, "x"));
  EXPECT_TRUE(std::filesystem::is_symlink(loop));
}

TEST_F(OutputPlaceTest, APipeIsWrittenAndStaysAPipe) {
  const std::string there = pipe("pipe");
  const FileDescriptor reader(::open(there.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  for (const auto write : kWriters) {
    ASSERT_TRUE(write(there, "text"));
    EXPECT_EQ(read_all(reader.get(), there, 10).value(), "text");
    EXPECT_TRUE(std::filesystem::is_fifo(there));
  }
  EXPECT_EQ(list_directory(directory_).value().size(), 1U);
}

TEST_F(OutputPlaceTest, AFullDeviceIsAnErrorAndStaysADevice) {
  // By a link: a wrong program would replace that.
  const std::string full = link("/dev/full", "full");
  for (const auto write : kWriters) {
    const Result<void> written = write(full, "x");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().where, full);
    EXPECT_THAT(written.error().message(), HasSubstr("No space left"));
    EXPECT_TRUE(std::filesystem::is_symlink(full));
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  }
  EXPECT_TRUE(try_output(full));
}

TEST_F(OutputPlaceTest, AnOwnDescriptorIsWrittenWhereItStands) {
  const FileDescriptor file(::open(path("f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(file.get(), "head ", 5), 5);
  const std::string name = "/dev/fd/" + std::to_string(file.get());
  for (const auto write : kWriters) ASSERT_TRUE(write(name, "more "));
  EXPECT_EQ(read_file(path("f"), 100).value(), "head more more ");
  EXPECT_TRUE(try_output(name));
  EXPECT_TRUE(try_output(link(name, "link")));
  EXPECT_FALSE(try_output("/dev/fd/999999"));
  const FileDescriptor read_only(::open(path("f").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(try_output("/dev/fd/" + std::to_string(read_only.get())));
}

TEST_F(OutputPlaceTest, IsTriedWithoutATrace) {
  ASSERT_TRUE(write_file_atomically(path("f"), "precious"));
  EXPECT_TRUE(try_output(path("f")));
  EXPECT_TRUE(try_output(path("g")));
  EXPECT_TRUE(try_output(link("h", "link")));
  EXPECT_TRUE(try_output(pipe("pipe"))) << "without a reader, and without waiting for one";
  EXPECT_EQ(read_file(path("f"), 100).value(), "precious");
  EXPECT_EQ(list_directory(directory_).value(), (std::vector<std::string>{"f", "link", "pipe"}));
  EXPECT_FALSE(try_output(directory_));
  EXPECT_FALSE(try_output(path("absent/f")));
  EXPECT_FALSE(try_output(path("f/below")));
  EXPECT_FALSE(try_output("/proc/f")) << "nothing can be made there, by root neither";
}

TEST_F(OutputPlaceTest, OneFileIsKnownByAnyOfItsNames) {
  ASSERT_TRUE(make_directories(path("folder")));
  const auto is_one = [](const std::string& a, const std::string& b) {
    return are_one_file(output_place(a).value(), output_place(b).value());
  };
  EXPECT_TRUE(is_one(path("f"), path("folder/../f")));
  EXPECT_TRUE(is_one(path("f"), link("f", "link")));
  EXPECT_TRUE(is_one(path("folder/f"), link("folder", "to-folder") + "/f"));
  EXPECT_FALSE(is_one(path("f"), path("folder/f")));
  EXPECT_FALSE(is_one(path("f"), path("g")));
  EXPECT_FALSE(is_one("/dev/null", "/dev/null")) << "nothing is lost";
}

}  // namespace assay::output_place_test
