// Values: how a number of a record is written, everywhere the same: digits that its interval supports, its
// unit, and words for what is unknown, insufficient or void.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

// Numbers that belong together as text: "12.4", and "11.9–13.0" where there is an interval.
struct ValueText {
  std::string value;
  std::string interval;
};

// Three significant digits, more only where the interval is narrow enough to support them. Value and upper
// end may be infinite: "∞", "10.2–∞".
ValueText value_text(double value, std::optional<double> low, std::optional<double> high);

// As people read a unit in a table head: "requests/s", "%", "GiB", "×". The factor takes the stored value
// there.
struct DisplayUnit {
  std::string text;
  double factor = 1;
};
DisplayUnit display_unit(std::string_view metric, std::string_view unit);

// The value of `record` in its display unit, without it: "93.1", "— unknown", "insufficient".
ValueText value_text(const Record& record);
// A number with a unit in which it needs no leading zeros: "64.5 MFLOP/s" of 0.0000645 TFLOP/s, "850 µs" of
// 0.85 ms. For sentences: a table's column keeps one unit.
std::string amount(double value, std::string_view unit);
// The value of `record` so; of a claim, which has no error that would take digits from it, as it was claimed:
// "1555 GB/s".
std::string amount(const Record& record);

// One phrase: "93.1 % (90.2–95.0), n = 384"; class and validity are named unless measured and valid.
std::string phrase(const Record& record);
// "time to first token, p90"; the metric's own name where the table does not know it.
std::string metric_title(std::string_view metric);
// "CPU · chat · mix · f16": what tells this record from others of the same metric.
std::string short_conditions(const Json& conditions);
// A scalar member as text: strings as they are, numbers with their digits, true as "yes".
std::string scalar_text(const Json& value);
// The condition `key` as text; "" if absent.
std::string condition(const Record& record, std::string_view key);

// Valid UTF-8 without control characters other than line feed and tab; broken bytes become U+FFFD.
std::string clean_utf8(std::string_view text);

}  // namespace assay
