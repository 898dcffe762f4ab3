// What is wrong with a command line is said in people's words, with what to write instead.
#include <gtest/gtest.h>

#include "cli/command.h"

namespace assay::options_test {

constexpr OptionSpec kOptions[] = {
    {"--request-rate", "R", "Requests per second.", nullptr, nullptr},
    {"--goodput", "KEY:MS", "Limits.", nullptr, nullptr, 0, true},
    {"--output", "FILE", "Where to write.", nullptr, nullptr, 'o'},
    {.name = "--header",
     .value = "KEY=VALUE",
     .help = "A field.",
     .default_text = nullptr,
     .completes = nullptr,
     .repeats = true},
    {"--quick", nullptr, "A look.", nullptr, nullptr},
    {"--seed", "N", "Seed.", "1", nullptr},
};
constexpr PositionalSpec kPlaces[] = {{"DOSSIER", "The file.", true, nullptr}};

Command command_with(std::span<const PositionalSpec> places) {
  return {.name = "try",
          .title = "",
          .description = "",
          .options = kOptions,
          .positionals = places,
          .example = "assay try x --request-rate 10 --goodput ttft:500 tpot:50\nassay try y",
          .run = nullptr};
}

std::string message_of(const std::vector<std::string>& arguments,
                       std::span<const PositionalSpec> places = kPlaces) {
  const Result<ParsedOptions> parsed = parse_options(command_with(places), arguments);
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.error().message();
}

TEST(Options, AMissingValueIsAskedForWithAnExample) {
  const std::string wanted =
      "--request-rate needs a value, for example --request-rate 10\n"
      "  --request-rate R: Requests per second. See `assay help try`.";
  EXPECT_EQ(message_of({"x", "--request-rate"}), wanted);
  EXPECT_EQ(message_of({"x", "--request-rate="}), wanted);
  EXPECT_EQ(message_of({"x", "--request-rate", ""}), wanted);
  EXPECT_EQ(message_of({"x", "--request-rate", "--quick"}), wanted) << "an option is no value";
  EXPECT_TRUE(message_of({"x", "--seed"}).starts_with("--seed needs a value, for example --seed 1\n"));
  EXPECT_EQ(message_of({"x", "-o"}),
            "--output needs a value\n  --output FILE: Where to write. See `assay help try`.");
}

TEST(Options, WhatIsTooMuchIsNamed) {
  EXPECT_EQ(message_of({"x", "--request-rate", "1", "--request-rate=2"}),
            "--request-rate is given twice\n  Give it once. See `assay help try`.");
  EXPECT_EQ(
      message_of({"x", "--goodput", "a:1", "--goodput", "b:2"}),
      "--goodput is given twice\n  Write all its words behind one: --goodput KEY:MS KEY:MS. See `assay help try`.");
  EXPECT_EQ(message_of({"x", "--quick=5"}),
            "--quick takes no value\n  Give it alone, or leave it out. See `assay help try`.");
  EXPECT_EQ(message_of({"x", "y"}),
            "'y' is one word too many: `assay try` takes one DOSSIER\n  See `assay help try`.");
  EXPECT_EQ(message_of({"x"}, {}),
            "'x' is one word too many: `assay try` takes none but options\n  See `assay help try`.");
}

TEST(Options, WhatIsUnknownOrMissingIsNamed) {
  EXPECT_EQ(message_of({"x", "--rate", "5"}),
            "unknown option '--rate'. Did you mean '--request-rate'?\n  See `assay help try`.");
  EXPECT_EQ(message_of({"x", "-q"}), "unknown option '-q'.\n  See `assay help try`.");
  EXPECT_EQ(message_of({}), "no DOSSIER given\n  DOSSIER: The file. See `assay help try`.");
  EXPECT_EQ(message_of({""}), "DOSSIER is empty\n  DOSSIER: The file. See `assay help try`.");
}

TEST(Options, WhatIsRightIsRead) {
  const Result<ParsedOptions> parsed = parse_options(
      command_with(kPlaces), {"--goodput", "ttft:5", "tpot:6", "x", "--header", "a=b", "--header=c=d",
                              "-oout", "--request-rate", "-5", "--quick", "--quick"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->value("--goodput"), "ttft:5,tpot:6");
  EXPECT_EQ(parsed->values("--header"), (std::vector<std::string>{"a=b", "c=d"}));
  EXPECT_EQ(parsed->value("--output"), "out");
  EXPECT_EQ(parsed->value("--request-rate"), "-5");
  EXPECT_EQ(parsed->value("DOSSIER"), "x");
  EXPECT_TRUE(parsed->has("--quick"));
}

}  // namespace assay::options_test
