// Where a measured value stands to a limit, by its interval: what lies on both sides of the limit shows
// neither.
#pragma once

#include <string>

#include "evidence/evidence.h"

namespace assay {

enum class Standing { kShown, kRefuted, kOpen };

// Whether `record`, which is usable or infinite, is shown to be at least (`is_floor`) or at most `limit`.
// Without an interval its value tells; so it does of a share whose limit is the end of what there is: no
// error at all, every request.
Standing standing(const Record& record, bool is_floor, double limit);

// How many times as many samples would tell if the record's value stayed, since an interval narrows with the
// square root of their number: "about 3.4 times as many"; "more" where no number within reason would.
std::string samples_that_tell(const Record& record, double limit);

}  // namespace assay
