// A hint to the processor's cache.
#pragma once

#include <cstddef>

namespace assay {

// Has the lines of [data, data + bytes) fetched while other work goes on. Reads nothing: any address will do.
inline void prefetch(const void* data, size_t bytes) {
  constexpr size_t kLineBytes = 64;
  const auto* begin = static_cast<const char*>(data);
  for (size_t at = 0; at < bytes; at += kLineBytes) __builtin_prefetch(begin + at);
  if (bytes > 0) __builtin_prefetch(begin + bytes - 1);  // the last line, where data begins within the first
}

}  // namespace assay
