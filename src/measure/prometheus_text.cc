// Lines, labels and numbers; see prometheus_text.h.
#include "measure/prometheus_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

namespace assay {
namespace {

constexpr std::string_view kBlanks = " \t";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A name at the front of `text`, which is moved behind it; empty if there is none. Colons belong to names of
// metrics only.
std::string_view take_name(std::string_view& text, bool with_colons) {
  size_t length = 0;
  while (length < text.size() && (is_letter(text[length]) || (with_colons && text[length] == ':') ||
                                  (length > 0 && is_digit(text[length]))))
    ++length;
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
}

bool take(char c, std::string_view& text) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// A number as Go writes it, or nothing.
std::optional<double> number_of(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const bool has_sign = is_negative || text.starts_with('+');
  const std::string_view digits = text.substr(has_sign ? 1 : 0);
  if (digits.size() <= 8) {
    const std::string word = lower(digits);
    if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (word == "inf" || word == "infinity")
      return is_negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if (digits.empty() || !(is_digit(digits[0]) || digits[0] == '.')) return std::nullopt;
  const std::optional<double> value = parse_number(digits);
  return value && is_negative ? -*value : value;
}

// The value of a label, behind its opening quote; moves `text` behind the closing one. Nothing if it is not
// closed or escapes what cannot be escaped.
std::optional<std::string_view> take_label_value(std::string_view& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      if (i >= text.size() || (text[i] != '\\' && text[i] != '"' && text[i] != 'n')) return std::nullopt;
    } else if (text[i] == '"') {
      const std::string_view value = text.substr(0, i);
      text.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view where, const PrometheusLimits& limits) : where_(where), limits_(limits) {}

  Result<void> parse(std::string_view text, const std::function<void(const PrometheusSample&)>& on_sample) {
    if (text.size() > limits_.bytes)
      return fail(
          fmt::format("the metrics are larger than {}", format_bytes(static_cast<int64_t>(limits_.bytes))),
          std::string(where_));
    size_t samples = 0;
    while (!text.empty()) {
      ++line_;
      const size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.size() > limits_.line_bytes) return broken("the line is too long");
      if (line.ends_with('\r')) line.remove_suffix(1);
      skip_blanks(line);
      if (line.empty() || line[0] == '#') continue;
      if (++samples > limits_.samples) return broken(fmt::format("more than {} samples", limits_.samples));
      PrometheusSample sample;
      RETURN_IF_ERROR(parse_line(line, sample));
      on_sample(sample);
    }
    return {};
  }

 private:
  std::unexpected<Error> broken(std::string_view what) const {
    return fail(fmt::format("no Prometheus text: {}", what), fmt::format("{}:{}", where_, line_),
                "Check that metrics_url leads to the server's metrics.");
  }

  Result<void> parse_line(std::string_view line, PrometheusSample& sample) {
    labels_.clear();
    sample.name = take_name(line, true);
    if (sample.name.empty()) return broken("a line does not begin with the name of a metric");
    skip_blanks(line);
    if (take('{', line)) RETURN_IF_ERROR(parse_labels(line));
    sample.labels = labels_;
    skip_blanks(line);
    const std::string_view number = line.substr(0, line.find_first_of(kBlanks));
    const std::optional<double> value = number_of(number);
    if (!value) return broken(fmt::format("'{}' is no number", printable(number, 40)));
    sample.value = *value;
    line.remove_prefix(number.size());
    return check_rest(line);
  }

  Result<void> parse_labels(std::string_view& line) {
    while (true) {
      skip_blanks(line);
      if (take('}', line)) return {};
      PrometheusLabel label{.name = take_name(line, false), .value = {}};
      if (label.name.empty()) return broken("the labels are not closed, or one has no name");
      skip_blanks(line);
      if (!take('=', line)) return broken("a label has no value");
      skip_blanks(line);
      if (!take('"', line)) return broken("the value of a label is not in quotes");
      const auto value = take_label_value(line);
      if (!value) return broken("the value of a label is not closed, or escapes what it must not");
      label.value = *value;
      if (labels_.size() >= limits_.labels)
        return broken(fmt::format("more than {} labels on one sample", limits_.labels));
      labels_.push_back(label);
      skip_blanks(line);
      if (!take(',', line) && !line.starts_with('}')) return broken("no comma between two labels");
    }
  }

  // Behind the value: nothing, a time stamp, an exemplar.
  Result<void> check_rest(std::string_view rest) const {
    skip_blanks(rest);
    const std::string_view stamp = rest.substr(0, rest.find_first_of(kBlanks));
    if (!stamp.empty() && stamp[0] != '#') {
      if (!number_of(stamp)) return broken(fmt::format("'{}' is no time stamp", printable(stamp, 40)));
      rest.remove_prefix(stamp.size());
      skip_blanks(rest);
    }
    if (!rest.empty() && rest[0] != '#') return broken("something follows the time stamp");
    return {};
  }

  std::string_view where_;
  const PrometheusLimits& limits_;
  size_t line_ = 0;
  std::vector<PrometheusLabel> labels_;
};

}  // namespace

Result<void> parse_prometheus_text(std::string_view text, std::string_view where,
                                   const std::function<void(const PrometheusSample&)>& on_sample,
                                   const PrometheusLimits& limits) {
  return Parser(where, limits).parse(text, on_sample);
}

}  // namespace assay
