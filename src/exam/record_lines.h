// What the lines of foreign programs have in common: flat members, samples, and the doubt of wide intervals.
#pragma once

#include <cstdint>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

// The scalars of an object, its first 64, as text that is safe to print.
Json flat_members(const Json& object);

// "samples" of a line of type "record"; none if one of them is no finite number, or there are over 100,000.
std::vector<double> finite_samples(const Json& line);

// Its interval is wider than ±10 %; a speed of a kernel, or of tokens, whose time allowed no interval at all
// is no better.
bool is_wide(const Record& record);
// That so many of the trial's records are.
Finding noisy_finding(int64_t wide, int64_t records);

}  // namespace assay
