// That the tables of the emulator and those of its command know each other.
#include "emulate/emulate.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/names.h"

namespace assay::emulate_test {

using ::testing::HasSubstr;

TEST(EmulateCommand, HasTheOptionsThatTimingModelsKnowAndSaysWhose) {
  const Command& command = *find_command("emulate");
  const auto help_of = [&](std::string_view name) {
    const auto found =
        std::ranges::find_if(command.options, [&](auto& option) { return option.name == name; });
    return found == command.options.end() ? std::string("no such option") : std::string(found->help);
  };
  for (const TimingModelKind& kind : timing_models()) {
    EXPECT_THAT(help_of("--timing"), HasSubstr(std::string(kind.name) + ": " + kind.title + "."));
    for (const char* option : kind.options) {
      const std::string help = help_of(option);
      EXPECT_THAT(help.substr(0, help.find(':')), HasSubstr(kind.name)) << option << ": " << help;
    }
  }
}

TEST(Completion, KnowsEveryListAndTimingModel) {
  const std::string script = bash_completion();
  std::string lists, models;
  for (const NamedKind& kind : named_kinds()) lists += (lists.empty() ? "" : " ") + std::string(kind.plural);
  for (const TimingModelKind& kind : timing_models())
    models += (models.empty() ? "" : " ") + std::string(kind.name);
  EXPECT_THAT(script, HasSubstr("compgen -W \"" + lists + "\""));
  EXPECT_THAT(script, HasSubstr("for l in " + lists + "; do"));
  EXPECT_THAT(script, HasSubstr("compgen -W \"" + models + "\""));
}

}  // namespace assay::emulate_test
