// The eight questions that every evaluation answers. Report, terminal and verdicts take their words from this
// one table.
#pragma once

#include <span>

namespace assay {

struct Question {
  int number;        // 1 … 8
  const char* text;  // "Does our software run on it?"
  const char* exam;  // the exam that examines it first; "" where this version has none
};

// In order; never empty.
std::span<const Question> questions();
// CHECKs that `number` is 1 … 8.
const Question& question(int number);

}  // namespace assay
