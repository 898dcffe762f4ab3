// A worker without a command line around it: the job is the last argument.
#include <cstdlib>

#include "engine/engine.h"

#ifdef ASSAY_TSAN_SUPPRESSIONS
// Compiled in, because a worker's environment is scrubbed and TSAN_OPTIONS would not reach it; and fatal,
// because it ends without the exit handlers that would turn a report into a failure.
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:suppressions=" ASSAY_TSAN_SUPPRESSIONS;
}
#endif

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  // Backends' destructors at exit are foreign code that has crashed before; by now everything has been said.
  std::_Exit(assay::run_worker(argv[argc - 1]));
}
