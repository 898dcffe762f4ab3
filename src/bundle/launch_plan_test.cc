// Which loader, C library and C++ run-time the program gets, on hosts older and newer than the bundle, and on
// hosts that have none.
#include "bundle/launch_plan.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "bundle/elf_test_support.h"

namespace assay::launch_plan_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

class Launch : public ::testing::Test {
 protected:
  Launch() {
    char name[] = "/tmp/assay-launch-XXXXXX";
    folder_ = ::mkdtemp(name);
    bundle_ = folder_ + "/bundle";
    host_.root = folder_ + "/host";
    std::filesystem::create_directories(host_.root);
    put(bundle_ + "/lib/assay", {.interpreter = kLoader});
    put(bundle_ + "/lib/c/libc.so.6", {.versions = {"GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_PRIVATE"}});
    put(bundle_ + "/lib/stdc++/libstdc++.so.6", {.versions = {"GLIBCXX_3.4.30"}});
    put(bundle_ + "/lib/gcc_s/libgcc_s.so.1", {.versions = {"GCC_12.0.0"}});
  }
  ~Launch() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& path, const std::string& bytes) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  void put(const std::string& path, const FakeElf& elf) { write(path, elf.bytes()); }
  void host_has_libc(const std::string& version) {
    put(host_.root + kLoader, {});
    put(host_.root + "/lib64/libc.so.6", {.versions = {"GLIBC_2.2.5", version}});
  }
  // As Red Hat's and its kin have it.
  void host_has_cache() { write(host_.root + "/etc/ld.so.cache", "any"); }

  LaunchPlan plan() { return plan_launch(bundle_, host_, arguments_); }
  std::string host_loader() const { return host_.root + kLoader; }
  std::string own_loader() const { return bundle_ + "/lib/c/ld-linux-x86-64.so.2"; }
  // What a plan's command tells the loader to search, without the folder of the bundle.
  std::string search_path(const std::vector<std::string>& command) {
    std::string path = command.at(2);
    for (size_t at; (at = path.find(bundle_ + "/")) != std::string::npos;) path.erase(at, bundle_.size() + 1);
    return path;
  }

  std::string folder_, bundle_;
  LaunchHost host_;
  std::vector<std::string> arguments_ = {"probe", "--json"};
};

TEST_F(Launch, ANewerHostLendsItsLoaderAndTheBundlesIsInReserve) {
  host_has_libc("GLIBC_2.39");
  const LaunchPlan plan = this->plan();
  ASSERT_THAT(plan.commands, SizeIs(2)) << plan.error;
  EXPECT_THAT(plan.commands[0],
              ElementsAre(host_loader(), "--library-path",
                          bundle_ + "/lib:" + bundle_ + "/lib/stdc++:" + bundle_ + "/lib/gcc_s", "--argv0",
                          bundle_ + "/assay", bundle_ + "/lib/assay", "probe", "--json"));
  EXPECT_EQ(plan.commands[1][0], own_loader());
  EXPECT_EQ(search_path(plan.commands[1]), "lib:lib/stdc++:lib/gcc_s:lib/c:/lib64:/usr/lib64");
}

TEST_F(Launch, AHostOfTheSameVersionIsNewEnough) {
  host_has_libc("GLIBC_2.36");
  EXPECT_EQ(plan().commands.at(0)[0], host_loader());
}

TEST_F(Launch, AnOlderHostGetsTheBundlesLoader) {
  host_has_libc("GLIBC_2.9");  // as text it would be the newer one
  host_has_cache();
  const LaunchPlan plan = this->plan();
  ASSERT_THAT(plan.commands, SizeIs(1));
  EXPECT_EQ(plan.commands[0][0], own_loader());
  EXPECT_EQ(search_path(plan.commands[0]), "lib:lib/stdc++:lib/gcc_s:lib/c")
      << "the rest is in the host's cache";
}

TEST_F(Launch, AnEmptyHostGetsTheBundlesLoader) {
  const LaunchPlan plan = this->plan();
  ASSERT_THAT(plan.commands, SizeIs(1));
  EXPECT_EQ(plan.commands[0][0], own_loader());
}

TEST_F(Launch, GarbageInTheCLibrarysPlaceIsNoCLibrary) {
  put(host_.root + kLoader, {});
  for (const std::string& bytes : {std::string(), std::string("GNU ld script"), std::string(1 << 20, 'x'),
                                   FakeElf{.machine = 183, .versions = {"GLIBC_2.99"}}.bytes(),
                                   FakeElf{.versions = {"MUSL_1.2"}}.bytes()}) {
    write(host_.root + "/lib64/libc.so.6", bytes);
    const LaunchPlan plan = this->plan();
    ASSERT_THAT(plan.commands, SizeIs(1));
    EXPECT_EQ(plan.commands[0][0], own_loader());
  }
}

TEST_F(Launch, TheCLibraryIsTheOneBesideTheLoaderThatTheLinkLeadsTo) {
  put(host_.root + "/lib/multi/ld-2.39.so", {});
  put(host_.root + "/lib/multi/libc.so.6", {.versions = {"GLIBC_2.39"}});
  put(host_.root + "/lib64/libc.so.6", {.versions = {"GLIBC_2.17"}});
  std::filesystem::create_symlink("../lib/multi/ld-2.39.so", host_.root + kLoader);
  EXPECT_EQ(plan().commands.at(0)[0], host_loader());
}

TEST_F(Launch, TheNewerRuntimeWinsEachByItself) {
  host_has_libc("GLIBC_2.28");
  host_has_cache();
  put(host_.root + "/usr/lib64/libstdc++.so.6", {.versions = {"GLIBCXX_3.4.9", "GLIBCXX_3.4.33"}});
  put(host_.root + "/usr/lib64/libgcc_s.so.1", {.versions = {"GCC_12.0.0"}});
  EXPECT_EQ(search_path(plan().commands.at(0)), "lib:lib/gcc_s:lib/c") << "an equal one is no newer one";
  put(host_.root + "/usr/lib64/libgcc_s.so.1", {.versions = {"GCC_14.0.0"}});
  EXPECT_EQ(search_path(plan().commands.at(0)), "lib:lib/c");
}

TEST_F(Launch, ARuntimeThatTheChosenCLibraryIsTooOldForIsNotTaken) {
  host_has_libc("GLIBC_2.41");
  host_has_cache();
  put(host_.root + "/usr/lib64/libstdc++.so.6",
      {.versions = {"GLIBCXX_3.4.33"}, .needs = {"GLIBC_2.38", "GLIBC_2.4"}});
  const LaunchPlan plan = this->plan();
  EXPECT_EQ(search_path(plan.commands.at(0)), "lib:lib/gcc_s") << "the host's, with its own C library";
  EXPECT_EQ(search_path(plan.commands.at(1)), "lib:lib/stdc++:lib/gcc_s:lib/c")
      << "in reserve, the bundle's both";
}

TEST_F(Launch, OnlyTheFirstRuntimeThatALoaderWouldFindCounts) {
  host_has_libc("GLIBC_2.28");
  host_has_cache();
  host_.library_path = "/opt/vendor/lib:relative:/opt/more";
  put(host_.root + "/opt/vendor/lib/libstdc++.so.6", {.versions = {"GLIBCXX_3.4.21"}});
  put(host_.root + "/usr/lib64/libstdc++.so.6", {.versions = {"GLIBCXX_3.4.33"}});
  EXPECT_EQ(search_path(plan().commands.at(0)),
            "lib:lib/stdc++:lib/gcc_s:lib/c:/opt/vendor/lib:relative:/opt/more");
  put(host_.root + "/opt/vendor/lib/libstdc++.so.6", {.versions = {"GLIBCXX_3.4.32"}});
  EXPECT_EQ(search_path(plan().commands.at(0)), "lib:lib/gcc_s:lib/c:/opt/vendor/lib:relative:/opt/more");
}

TEST_F(Launch, ARuntimeMadeForAnotherCLibraryIsNotTaken) {
  put(host_.root + "/usr/lib/libstdc++.so.6", {.versions = {"GLIBCXX_3.4.33"}});
  EXPECT_EQ(search_path(plan().commands.at(0)), "lib:lib/stdc++:lib/gcc_s:lib/c:/lib64:/usr/lib64");
}

TEST_F(Launch, AnOperatorMayChoose) {
  host_has_libc("GLIBC_2.39");
  host_.choice = "bundle";
  LaunchPlan plan = this->plan();
  ASSERT_THAT(plan.commands, SizeIs(1));
  EXPECT_EQ(plan.commands[0][0], own_loader());

  host_has_libc("GLIBC_2.17");
  host_.choice = "host";
  plan = this->plan();
  ASSERT_THAT(plan.commands, SizeIs(1));
  EXPECT_EQ(plan.commands[0][0], host_loader());

  host_.choice = "mine";
  EXPECT_THAT(this->plan().error, HasSubstr("ASSAY_LOADER"));
  std::filesystem::remove(host_.root + "/lib64/libc.so.6");
  host_.choice = "host";
  plan = this->plan();
  EXPECT_THAT(plan.commands, IsEmpty());
  EXPECT_THAT(plan.error, HasSubstr(host_loader()));
}

TEST_F(Launch, SaysWhatIsWrongWithTheBundle) {
  EXPECT_THAT(plan_launch(folder_ + "/a:b", host_, {}).error, HasSubstr("Move it"));
  std::filesystem::remove(bundle_ + "/lib/c/libc.so.6");
  EXPECT_THAT(plan().error, HasSubstr("lib/c/libc.so.6: cannot be read. Unpack"));
  write(bundle_ + "/lib/assay", "cut");
  EXPECT_THAT(plan().error, HasSubstr("lib/assay: is not there, or no program"));
  EXPECT_THAT(plan().commands, IsEmpty());
}

TEST_F(Launch, AHugeLibraryPathIsCut) {
  for (int i = 0; i < 100'000; ++i) host_.library_path += "/a:";
  EXPECT_LT(plan().commands.at(0)[2].size(), 8192U);
  EXPECT_THAT(plan().commands.at(0)[2], Not(HasSubstr("::")));
}

}  // namespace assay::launch_plan_test
