// EndpointMeter: what a pool of connections measures of its own work, so that a busy client cannot pass for a
// slow server: how late it reads, how often several chunks share one arrival, what connecting took, what TCP
// says of the way.
#pragma once

#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "measure/measure.h"

namespace assay {

// Nothing here allocates while requests are on their way. One thread only.
class EndpointMeter {
 public:
  // A read that brought `chunks` chunks of output, at `now`, of bytes that the kernel had at `arrived` (not
  // stamped: equal to `now`). The chunks before the last came at some instant between `previous` and
  // `arrived`.
  void note_read(Nanos now, Nanos arrived, Nanos previous, size_t chunks, bool is_stamped);
  void note_connected(Nanos took) { connect_ns_.add(took.count); }
  // Reads TCP's own counters of a connection that is about to close. Ignored where the kernel does not tell.
  void note_closing(int fd);

  // As records without trial, subject and conditions. Empty metrics are left out.
  std::vector<Record> records() const;

 private:
  uint64_t chunks_ = 0;
  Histogram receive_lag_ns_;  // of stamped reads
  Histogram coalesced_ns_;    // of each chunk whose arrival is known to an interval only: its length
  Histogram connect_ns_;      // with TLS handshake
  Histogram round_trip_us_;   // the least that TCP saw, one a connection
  int64_t retransmits_ = 0, connections_ = 0;
};

}  // namespace assay
