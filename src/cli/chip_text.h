// A chip of the catalogue for `assay list` and `assay show`: its claims side by side, for people and
// programs.
#pragma once

#include <string>

#include "base/base.h"
#include "catalogue/catalogue.h"

namespace assay {

std::string chip_title(const Chip& chip);  // one line
std::string chip_text(const Chip& chip);   // in full, for 80 columns
Json chip_json(const Chip& chip);

}  // namespace assay
