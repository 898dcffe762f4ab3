// AIPerf 0.13's metrics, of one request and of all. Definitions are AIPerf's: times count from the instant at
// which the client turned to the request, before it had a connection; inter_token_latency is per request
// (latency − TTFT)/(n − 1), the gaps between chunks are inter_chunk_latency. Private to load.
#pragma once

#include <span>
#include <vector>

#include "load/exports/export_trial.h"

namespace assay {

// {"request_latency": {"value": 372.8, "unit": "ms"}, …} of one request; of a failed one, its input alone.
Json aiperf_record_metrics(const ExportRequest& request);

// The members of profile_export_aiperf.json that are metrics. Rates are taken over `observed_s`, the whole
// phase: from its start, before the first request, to the end of the last. `slo`: with it, goodput.
Json aiperf_metrics(std::span<const ExportRequest> requests, double observed_s,
                    const std::optional<Slo>& slo);

}  // namespace assay
