// Faults by schedule: which request or connection meets which mishap. The table is the documentation.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

enum class FaultKind {
  kRefuse,
  kTlsError,
  kBadCertificate,
  kReset,
  kHalfStream,
  kStall,
  kFreeze,
  kMalformed,
  kWrongUsage,
  kSlowHeaders,
  kTooManyRequests,
  kServerError,
  kEmptyOutput,
  kHugeLine,
  kCrLf,
  kSplitUtf8,
};

struct FaultKindRow {
  FaultKind kind;
  const char* name;
  const char* help;
  bool of_connections = false;  // counted in connections; the others in requests for inference
  double seconds = 0;           // the default of "seconds"; 0: it has no such key
  bool has_tokens = false;      // it acts after a number of tokens
  bool needs_tls = false;       // it is one of handshakes
};
std::span<const FaultKindRow> fault_kinds();

struct Fault {
  const FaultKindRow* row = nullptr;
  uint64_t every = 1;  // the N-th, 2N-th …; 0: only `at`
  uint64_t at = 0;     // the N-th, counted from 1
  double seconds = 0;
  uint32_t tokens = 0;                 // acts after so many; 0: in the middle of the answer
  uint64_t bytes = uint64_t{2} << 20;  // of a huge line

  FaultKind kind() const { return row->kind; }
};

// "reset:every=10:tokens=5,429:at=3". Errors name the option and what there is.
Result<std::vector<Fault>> parse_faults(std::string_view text);

// The first of `faults` that meets the `number`-th (from 1) connection or request, or null.
const Fault* fault_for(std::span<const Fault> faults, bool of_connections, uint64_t number);

}  // namespace assay
