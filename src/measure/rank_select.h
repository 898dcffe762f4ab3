// The values of some ranks among as many numbers as a load has events. To sort them would take their room
// once or twice more, and half of the time that it takes to receive them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace assay {

// Of each rank, from 1 to values.size(), the value that stands there when `values` are in ascending order; no
// value is NaN. In the order of `ranks`. `values` stay as they are; beside them is room for a few counts,
// 48 KiB a rank at most. Thread-safe.
std::vector<float> values_at_ranks(std::span<const float> values, std::span<const size_t> ranks);

}  // namespace assay
