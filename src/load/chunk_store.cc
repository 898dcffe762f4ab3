// Stamps by request, in segments; see chunk_store.h.
#include "load/chunk_store.h"

#include <algorithm>

namespace assay {
namespace {

constexpr uint32_t kSegmentChunks = 1 << 16;

}  // namespace

ChunkStore::Place ChunkStore::take(uint32_t count) {
  if (segments_.empty() || segments_.back().size - segments_.back().used < count) {
    const uint32_t size = std::max(count, kSegmentChunks);
    // Not initialised: the kernel then gives memory for what is written only.
    segments_.push_back({.at_ns = std::make_unique_for_overwrite<int64_t[]>(size),
                         .tokens = std::make_unique_for_overwrite<uint16_t[]>(size),
                         .size = size});
  }
  Segment& segment = segments_.back();
  const Place place = uint64_t{segments_.size() - 1} << 32 | segment.used;
  segment.used += count;
  ++segment.takers;
  return place;
}

void ChunkStore::give_back(Place place) {
  Segment& segment = segments_[place >> 32];
  if (--segment.takers > 0) return;
  segment.at_ns.reset();
  segment.tokens.reset();
  segment.used = segment.size;  // nothing more is taken from it
}

}  // namespace assay
