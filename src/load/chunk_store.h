// The stamps of chunks while a trial runs: room for those of a request is taken when it leaves, so that
// memory follows what is sent and not what is planned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace assay {

class ChunkStore {
 public:
  // Where the chunks of one request lie. They stand behind one another.
  using Place = uint64_t;

  // Room for `count` chunks.
  Place take(uint32_t count);
  int64_t* at_ns(Place place) { return segments_[place >> 32].at_ns.get() + (place & UINT32_MAX); }
  uint16_t* tokens(Place place) { return segments_[place >> 32].tokens.get() + (place & UINT32_MAX); }
  // The room at `place` is no longer needed. A segment is freed with the last of what was taken from it, if
  // no more is taken.
  void give_back(Place place);

 private:
  struct Segment {
    std::unique_ptr<int64_t[]> at_ns;
    std::unique_ptr<uint16_t[]> tokens;
    uint32_t size = 0;
    uint32_t used = 0;
    uint32_t takers = 0;
  };
  std::vector<Segment> segments_;
};

}  // namespace assay
