// Where a measured value stands to a limit, by its interval: what lies on both sides of the limit shows
// neither.
#pragma once

#include <string>

#include "evidence/evidence.h"

namespace assay {

enum class Standing { kShown, kRefuted, kOpen };

// Whether `record`, which is usable, is shown to be at least (`is_floor`) or at most `limit`. Without an
// interval its value tells; so it does of a limit that is the end of what there is: no error at all, every
// request.
Standing standing(const Record& record, bool is_floor, double limit);

// " (about 400)": how many of what the record rests on would tell if its value stayed, since an interval
// narrows with the square root of their number; "" where no number within reason would.
std::string samples_that_tell(const Record& record, double limit);

}  // namespace assay
