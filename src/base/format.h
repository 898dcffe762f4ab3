// Formatting onto the end of a text.
#pragma once

#include <fmt/core.h>

#include <string>

namespace assay {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args arguments);

// As fmt::format, onto the end of `out`. fmt::format_to would compile the whole of fmt anew in every file
// that calls it, which is seconds for each; here it is compiled once.
template <typename... Args>
void append_format(std::string& out, fmt::format_string<Args...> format, Args&&... arguments) {
  append_formatted(out, format, fmt::make_format_args(arguments...));
}

}  // namespace assay
