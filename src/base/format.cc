// Appending to a text, through the one instance of fmt's formatting in the program.
#include "base/format.h"

// Clang gives fmt's own formatting a name that a library made by GCC has not: it is compiled here.
#include <fmt/format.h>

#include <iterator>

namespace assay {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args arguments) {
  fmt::vformat_to(std::back_inserter(out), format, arguments);
}

}  // namespace assay
