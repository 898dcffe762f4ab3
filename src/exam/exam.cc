// The exam table, in the order in which exams run.
#include "exam/exam.h"

#include "exam/rows.h"

namespace assay {

std::span<const Exam> exams() {
  static const Exam kExams[] = {probe_exam(), roofline_exam(), load_exam()};
  return kExams;
}

std::vector<std::string> exam_names() {
  std::vector<std::string> names;
  for (const Exam& exam : exams()) names.emplace_back(exam.name);
  return names;
}

const Exam* find_exam(std::string_view name) {
  for (const Exam& exam : exams()) {
    if (name == exam.name) return &exam;
  }
  return nullptr;
}

}  // namespace assay
