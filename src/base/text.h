// Text for people and from files: splitting, numbers with the digits they deserve, and the nearest known
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string lower(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);

// The whole text as a number, or nothing. No locale, no leading or trailing blanks, no inf or nan.
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);

// `value` with three significant digits (more only if `digits` says so), never in exponent form between 1e-4
// and 1e15, with thousands separators from 10,000 on: 0.0123, 4.57, 12,300.
std::string format_number(double value, int digits = 3);
// "1 kernel", "3 kernels"; `things` where a plural is no mere s.
std::string counted(int64_t count, std::string_view thing, std::string_view things = "");
std::string format_bytes(int64_t bytes);      // "1.50 GiB"
std::string format_duration(double seconds);  // "850 ms", "12.3 s", "4 min 05 s"

// The known name nearest to `name` by edit distance, if it is near enough to be a slip of the fingers.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> known);
// " Did you mean 'x'?", with the nearest name, or else with those (four at most) that hold `name` as a word
// or as the beginning of one: "ttft" is in "ttft_ms". "" where there is none.
std::string suggestion(std::string_view name, std::span<const std::string> known);

// Two sentences one after the other. Neither needs an end of its own: what has one (a question, as after
// suggestion()) gets no second.
std::string sentences(std::string_view first, std::string_view second);

// Text with &, <, >, " and ' escaped, safe inside HTML elements and quoted attributes.
std::string escape_html(std::string_view text);
// Foreign text for terminal, logs and reports: control characters (terminal escapes above all) and bytes that
// are not UTF-8 are made visible; what goes beyond `max_bytes` of output is cut at a character, and shown by
// an ellipsis.
std::string printable(std::string_view text, size_t max_bytes = 200);

// Bytes of the UTF-8 sequence that `text` begins with (Unicode 15, table 3-7), or 0 if it is broken or empty.
size_t utf8_length(std::string_view text);
bool is_valid_utf8(std::string_view text);
// With U+FFFD for every byte that belongs to no sequence.
std::string valid_utf8(std::string_view text);

// Columns that a terminal spends on `text` (UTF-8; East Asian wide characters count two).
size_t display_width(std::string_view text);
// `text` cut to so many columns at a character, with an ellipsis where something is lost.
std::string cut(std::string_view text, size_t columns);

// SHA-256-free content key: 128 bits as 32 hex digits, for cache names and for noticing that a
// file is not what it was, never for trust.
std::string content_key(std::string_view bytes);

}  // namespace assay
