// The end of a CHECK: a line on stderr, then abort. The only print in library code, since nothing above can
// be trusted.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace assay {

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr,
               "assay: bug: %s does not hold, at %s:%d. Please report it with the command that led here.\n",
               expression, file, line);
  std::abort();
}

}  // namespace assay
