// What flags hold, checked, and as TOML writes it: for commands that make a scenario of their flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "cli/command.h"

namespace assay {

inline constexpr double kLongestDurationS = 604'800;  // of a trial, and of a search

// A TOML string.
std::string toml_string(std::string_view text);
// A TOML value on one line; fails on null, which TOML has no word for.
Result<std::string> toml_value(const Json& value);
// The flag's value as a number. Errors name the flag.
Result<double> number_of(const ParsedOptions& options, const char* flag, double low, double high);
Result<uint32_t> count_of(const ParsedOptions& options, const char* flag, uint32_t most, uint32_t least = 1);

}  // namespace assay
