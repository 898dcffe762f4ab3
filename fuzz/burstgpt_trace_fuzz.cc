// Traces of the burstgpt format; see trace_check.h.
#include "trace_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  assay::check_trace("burstgpt", data, size);
  return 0;
}
