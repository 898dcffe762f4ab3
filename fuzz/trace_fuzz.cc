// Which format a text is; see trace_check.h.
#include "trace_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  assay::check_trace("auto", data, size);
  return 0;
}
