// CHECK: a broken invariant of ours aborts, in release builds too. Never for input: input gets a Result.
#pragma once

namespace assay {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace assay

#define CHECK(expression)                                     \
  do {                                                        \
    if (!(expression)) [[unlikely]]                           \
      ::assay::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)
