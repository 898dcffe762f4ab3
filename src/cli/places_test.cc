// Where things lie: what the environment says, what lies beside an unpacked bundle's launcher, and where the
// program was built.
#include "cli/places.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace assay::places_test {

class PlacesOf : public ::testing::Test {
 protected:
  PlacesOf() {
    char name[] = "/tmp/assay-places-XXXXXX";
    folder_ = ::mkdtemp(name);
    environment_.executable = folder_ + "/assay";
  }
  ~PlacesOf() override { std::filesystem::remove_all(folder_); }

  void make_bundle() {
    std::filesystem::create_directories(folder_ + "/lib");
    std::filesystem::create_directories(folder_ + "/models");
    std::ofstream(folder_ + "/assay") << "launcher";
    std::ofstream(folder_ + "/lib/assay") << "program";
  }

  std::string folder_;
  FakeClock clock_;
  CliEnvironment environment_{.clock = clock_, .executable = "", .variables = {}, .interrupted = {}};
};

TEST_F(PlacesOf, ABundleHasWhatComesWithTheProgramBesideItsLauncher) {
  make_bundle();
  EXPECT_EQ(bundled_place(environment_, "models", "/built/models"), folder_ + "/models");
  EXPECT_EQ(bundled_place(environment_, "kits", "/built/kits"), "/built/kits") << "which this one has not";
  EXPECT_EQ(find_places(environment_)->bundled_model_directory, folder_ + "/models");
  environment_.variables = {{"ASSAY_MODEL_DIR", "/mine"}};
  EXPECT_EQ(find_places(environment_)->bundled_model_directory, "/mine") << "a person's word goes before";
}

TEST_F(PlacesOf, ABuildFolderIsNoBundle) {
  std::filesystem::create_directories(folder_ + "/models");
  std::ofstream(folder_ + "/assay") << "program";
  EXPECT_EQ(bundled_place(environment_, "models", "/built/models"), "/built/models");
}

TEST_F(PlacesOf, CachesAreAPersonsOwnOrNobodys) {
  EXPECT_EQ(find_places(environment_)->cache_directory, "/var/tmp/assay");
  environment_.variables = {{"HOME", "/home/me"}};
  EXPECT_EQ(find_places(environment_)->cache_directory, "/home/me/.cache/assay");
  environment_.variables.emplace_back("XDG_CACHE_HOME", "/cache");
  EXPECT_EQ(find_places(environment_)->cache_directory, "/cache/assay");
  environment_.variables.emplace_back("ASSAY_CACHE_DIR", "/big");
  EXPECT_EQ(find_places(environment_)->cache_directory, "/big");
}

}  // namespace assay::places_test
