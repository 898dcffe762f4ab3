// What a live display says of a load under way, in one line.
#pragma once

#include <string>

#include "load/load.h"

namespace assay {

inline constexpr size_t kStatusColumns = 78;  // of a terminal's 80, behind the display's indent

// At most kStatusColumns: where there is no room for all of it, what matters least is left out. How long it
// still takes is told by the display.
std::string status_line(const LoadProgress& progress);

}  // namespace assay
