// What the engine takes at most and at least: scenarios are held against it where they are read, workers
// where they start.
#pragma once

#include <cstdint>

namespace assay {

inline constexpr uint32_t kMostEngineSequences =
    240;  // llama.cpp tells no more than 256 apart, prefixes included
inline constexpr uint32_t kMostEngineThreads = 1024;
inline constexpr uint32_t kLeastContextTokens = 8;

}  // namespace assay
