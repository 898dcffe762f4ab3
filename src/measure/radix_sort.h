// Sorting of as many numbers as a load has events: a sort by comparison of them would cost more than half of
// what it costs to receive them.
#pragma once

#include <span>
#include <vector>

namespace assay {

// `values`, ascending as std::sort has them; none is NaN. Takes the room of the values twice. Thread-safe.
std::vector<float> sorted_copy(std::span<const float> values);

}  // namespace assay
