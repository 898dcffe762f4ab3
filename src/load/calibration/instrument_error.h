// The instrument's own error: what the load generator saw, held against the send stamps of a server that
// tells them. Pure.
#pragma once

#include "evidence/evidence.h"
#include "load/calibration/emulator_stamps.h"
#include "load/driver.h"

namespace assay {

// Above it, in milliseconds, at p99.9 of all that was sent, a shape does not count: the generator was late
// (dispatch lag, as a trial's is judged), or the emulator was (send less due).
inline constexpr double kLateBudgetMs = 10;

// The numbers of one shape; name and is_coalesced are left to the caller. Requests are matched by the
// X-Request-Id that endpoint targets send ("assay-ID"), chunk k of an answer with its token k. void_because
// says why they are not the instrument's error: a request failed, the target was lost, the receive stamps
// were wrong (`stamps_are_wrong`), the generator or the emulator was late, or an answer has no stamps for
// each of its chunks.
CalibrationShape instrument_error(const LoadResult& result, const EmulatorStamps& stamps,
                                  bool stamps_are_wrong);

}  // namespace assay
