// What the jobs "serve" and "fit" agree on: the sizes of cache, batch and sequences that serving asks for.
#pragma once

#include "engine/batch_scheduler.h"
#include "engine/job.h"
#include "engine/model.h"

namespace assay {

struct ServeOptions {
  ModelOptions model;
  SchedulerLimits limits;
};

// From the job's parameters: those of read_model_options, and sequences (decoded at once), context_tokens (of
// one sequence), kv_tokens (cells of the cache; default: sequences × context_tokens).
Result<ServeOptions> read_serve_options(const JobContext& context);

}  // namespace assay
