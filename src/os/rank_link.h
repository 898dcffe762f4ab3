// RankLink: how the processes that one launcher started talk before they start to work. The seam between
// assay and MPI: what stands above it works with any other way of passing messages, too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

// Messages between the ranks of one launch, in the order in which each sent them. One thread. Every call is
// bounded by its deadline, an instant of CLOCK_MONOTONIC; a peer that died shows as one that was missed.
// After an error with one peer the others can still be talked to, and that one not; leave() needs all of
// them.
class RankLink {
 public:
  // A message is at most so long.
  static constexpr size_t kMaxMessageBytes = size_t{16} << 20;

  virtual ~RankLink() = default;
  virtual uint32_t rank() const = 0;  // below ranks()
  virtual uint32_t ranks() const = 0;
  virtual Result<void> send(uint32_t to, std::string_view message, Nanos deadline) = 0;
  virtual Result<std::string> receive(uint32_t from, Nanos deadline) = 0;
  // The end of all talk: collective, so that every rank must get here, and blocks until all have. Nothing may
  // be called afterwards, and a rank that dies later concerns nobody.
  virtual Result<void> leave() = 0;
};

}  // namespace assay
