// The tables of load trials on a terminal. Private to report.
#pragma once

#include <cstddef>
#include <string>

#include "report/model.h"

namespace assay {

constexpr size_t kLeastTableWidth = 80;

// render_load_table (report.h) without the line on the instrument. No line is as wide as `width`, which is
// kLeastTableWidth or more. "" where no load trial left anything.
std::string load_tables(const Model& model, size_t width);

}  // namespace assay
