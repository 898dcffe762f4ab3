// The table of the eight questions.
#include "evidence/questions.h"

#include "base/base.h"

namespace assay {
namespace {

constexpr Question kQuestions[] = {
    {1, "Does our software run on it?", "load"},
    {2, "Is it fast enough under our mix?", "load"},
    {3, "Are the answers right?", ""},
    {4, "Do our pipelines work?", ""},
    {5, "Does it survive?", ""},
    {6, "Does it fit, and keep our data in?", ""},
    {7, "What does it cost?", ""},
    {8, "Are the claims true?", ""},
};

}  // namespace

std::span<const Question> questions() {
  return kQuestions;
}

const Question& question(int number) {
  CHECK(number >= 1 && number <= static_cast<int>(std::size(kQuestions)));
  return kQuestions[number - 1];
}

}  // namespace assay
