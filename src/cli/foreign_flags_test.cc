// Advice on flags of other tools, which must lead to flags that there are.
#include "cli/foreign_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace assay::foreign_flags_test {

std::set<std::string> load_options() {
  std::set<std::string> names = {"--json"};
  for (const OptionSpec& option : find_command("load")->options) names.insert(option.name);
  return names;
}

TEST(ForeignFlags, AreNoneOfOurs) {
  std::set<std::string> seen;
  for (const ForeignFlag& flag : foreign_load_flags()) {
    EXPECT_FALSE(load_options().contains(flag.name)) << flag.name;
    EXPECT_TRUE(seen.insert(flag.name).second) << flag.name;
  }
}

TEST(ForeignFlags, LeadToFlagsThatThereAre) {
  for (const ForeignFlag& flag : foreign_load_flags()) {
    const std::string_view advice = flag.advice;
    for (size_t at = advice.find("--"); at != std::string_view::npos; at = advice.find("--", at + 2)) {
      const size_t end = std::min(advice.find_first_of(" .,:;", at), advice.size());
      EXPECT_TRUE(load_options().contains(std::string(advice.substr(at, end - at)))) << advice;
    }
  }
}

TEST(ForeignFlags, OfVllmBenchServeAreKnown) {
  for (const char* flag : {"--num-warmups", "--trust-remote-code", "--disable-tqdm", "--metadata",
                           "--ready-check-timeout-sec", "--request-id-prefix", "--ramp-up-strategy",
                           "--profile", "--save-result", "--result-dir", "--result-filename"})
    EXPECT_TRUE(std::ranges::count(foreign_load_flags(), std::string_view(flag), &ForeignFlag::name)) << flag;
}

TEST(ForeignFlags, AreAnsweredWithWhatIsMeant) {
  const Result<ParsedOptions> parsed =
      parse_options(*find_command("load"), {"http://127.0.0.1:1", "--random-input-len", "5"});
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().what,
              testing::HasSubstr("unknown option '--random-input-len'. It is --input-len here."));
}

}  // namespace assay::foreign_flags_test
