// Lines for a terminal.
#include "report/wrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::wrap_test {

using testing::ElementsAre;

TEST(Wrap, BreaksAtBlanksAndCutsOnlyWordsThatAreTooWide) {
  EXPECT_THAT(wrapped("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("", 8), ElementsAre());
  EXPECT_THAT(wrapped("a http://host/path", 8), ElementsAre("a", "http://…"));
}

TEST(Wrap, WhatDoesNotFitEndsWithASentence) {
  const std::string text = "It died. Its last words were 10.5 s old; nobody knows more.";
  EXPECT_THAT(wrapped_sentences(text, 80, 1), ElementsAre(text));
  EXPECT_THAT(wrapped_sentences(text, 30, 2),
              ElementsAre("It died. Its last words were", "10.5 s old; nobody knows more."));
  EXPECT_THAT(wrapped_sentences(text, 28, 2), ElementsAre("It died. Its last words were", "10.5 s old; …"));
  EXPECT_THAT(wrapped_sentences(text, 30, 1), ElementsAre("It died. …"));
}

TEST(Wrap, TheFirstSentenceIsWholeHoweverFewLinesAreWanted) {
  EXPECT_THAT(wrapped_sentences("one two three four. five", 9, 1),
              ElementsAre("one two", "three", "four. …"));
  EXPECT_THAT(wrapped_sentences("one two three four", 9, 1), ElementsAre("one two", "three", "four"));
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += "word ";
  EXPECT_EQ(wrapped_sentences(endless, 20, 2).size(), 12U);
  EXPECT_TRUE(wrapped_sentences(endless, 20, 2).back().ends_with("…"));
}

TEST(Wrap, ALabelStandsBeforeTheFirstLineAlone) {
  EXPECT_EQ(labelled("name  ", "one two three", 14), "name  one two\n      three\n");
  EXPECT_EQ(labelled("name", "", 14), "name\n");
}

}  // namespace assay::wrap_test
