// A worker without a command line around it: the job is the last argument.
#include <cstdlib>

#include "engine/engine.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  // Backends' destructors at exit are foreign code that has crashed before; by now everything has been said.
  std::_Exit(assay::run_worker(argv[argc - 1]));
}
