// The tokenizer of a target: found when the scenario is read, or an error that says what is wanted.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "os/os.h"
#include "scenario/scenario.h"

namespace assay::target_table_test {

using ::testing::HasSubstr;

class TokenizerKey : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(::testing::TempDir()) + "assay-tokenizer-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    for (const std::string& name : files_) ASSERT_TRUE(write_file_atomically(folder_ + "/" + name, "{}"));
  }
  void TearDown() override {
    for (const std::string& name : files_) remove_file(folder_ + "/" + name);
    ::rmdir(folder_.c_str());
  }
  Result<Scenario> read(const std::string& tokenizer,
                        const std::string& target = "kind = 'endpoint'\nurl = 'http://x'") {
    return parse_scenario("[[target]]\n" + target + "\ntokenizer = '" + tokenizer +
                              "'\n[[traffic]]\nname = 'chat'\nprompt_tokens = 10\noutput_tokens = 5\n",
                          folder_ + "/s.toml", std::vector<std::string>{"load"});
  }
  std::string found(const std::string& tokenizer) {
    const Result<Scenario> scenario = read(tokenizer);
    return scenario ? scenario->targets[0].tokenizer : scenario.error().message();
  }

  std::string folder_;
  const std::vector<std::string> files_ = {"tokenizer.json", "m.gguf", "tokenizer.model"};
};

TEST_F(TokenizerKey, IsAFileOrItsFolderBesideTheScenario) {
  EXPECT_EQ(found("tokenizer.json"), folder_ + "/tokenizer.json");
  EXPECT_EQ(found("."), folder_ + "/./tokenizer.json");
  EXPECT_EQ(found(folder_), folder_ + "/tokenizer.json");
  EXPECT_EQ(found("m.gguf"), folder_ + "/m.gguf");
  EXPECT_THAT(found(""), HasSubstr("tokenizer is empty"));
}

TEST_F(TokenizerKey, WhatIsNotThereOrNotKnownIsAnError) {
  EXPECT_THAT(found("meta-llama/Llama-3.1-8B"), HasSubstr("there is no file"));
  EXPECT_THAT(found("meta-llama/Llama-3.1-8B"), HasSubstr("nothing is fetched"));
  EXPECT_THAT(found("tokenizer.model"), HasSubstr("is no tokenizer that is known"));
  EXPECT_THAT(read("m.gguf", "kind = 'fake'").error().message(),
              HasSubstr("tokenizer is a key of endpoint targets"));
}

}  // namespace assay::target_table_test
