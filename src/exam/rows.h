// The rows of the exam table: each exam's folder defines one.
#pragma once

#include "exam/exam.h"

namespace assay {

Exam probe_exam();
Exam roofline_exam();
Exam load_exam();

}  // namespace assay
