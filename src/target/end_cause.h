// EndCause: why a target, a worker or a kit ended, the same words for all of them.
#pragma once

namespace assay {

// Why a target, or the worker of a job, ended before its work was done.
enum class EndCause {
  kNone,         // it was done
  kNotStarted,   // its process could not be started
  kRefused,      // the engine itself said why it cannot
  kDied,         // the worker ended by itself
  kHung,         // it gave nothing for too long
  kMemory,       // its memory grew above the limit
  kNonsense,     // it said what the protocol does not know
  kInterrupted,  // nobody wants it any more
  kLost,         // of what has no worker: it is gone
  kServerDied,   // of a server that assay launched: its process ended
  kNotReached,   // of an endpoint: nobody answered there, or let nobody in, so that no work was tried
};

}  // namespace assay
