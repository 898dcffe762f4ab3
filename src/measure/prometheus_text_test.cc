// Metrics as servers write them, and as they should not.
#include "measure/prometheus_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace assay::prometheus_text_test {

struct Parsed {
  std::vector<std::string> samples;  // name{label=value,…}=number
  std::string error;
};

Parsed parse(std::string_view text, const PrometheusLimits& limits = {}) {
  Parsed parsed;
  const Result<void> result = parse_prometheus_text(
      text, "m",
      [&](const PrometheusSample& sample) {
        std::string out(sample.name);
        for (const PrometheusLabel& label : sample.labels)
          out += "|" + std::string(label.name) + "=" + std::string(label.value);
        parsed.samples.push_back(out + " " +
                                 (std::isnan(sample.value)   ? "NaN"
                                  : std::isinf(sample.value) ? sample.value > 0 ? "+Inf" : "-Inf"
                                                             : format_number(sample.value)));
      },
      limits);
  if (!result) parsed.error = result.error().where + ": " + result.error().what;
  return parsed;
}

TEST(PrometheusText, HasNamesLabelsAndNumbers) {
  const Parsed parsed = parse(
      "# HELP vllm:num_requests_running Number of requests.\n"
      "# TYPE vllm:num_requests_running gauge\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"a \\\"b\\\" {c}, \\\\d\"} 3.0\n"
      "\n"
      "  plain   1e-05 1732463971000\r\n"
      "empty{} 7\n"
      "trailing{a=\"1\",} +2\n"
      "spaced { a = \"1\" , b = \"2\" } -0.5\n"
      "exemplar_bucket{le=\"+Inf\"} 4 # {trace_id=\"x\"} 0.1\n"
      "# EOF\n"
      "last .5");
  EXPECT_EQ(parsed.error, "");
  EXPECT_THAT(parsed.samples,
              testing::ElementsAre(R"(vllm:num_requests_running|engine=0|model_name=a \"b\" {c}, \\d 3.00)",
                                   "plain 1.00e-05", "empty 7.00", "trailing|a=1 2.00",
                                   "spaced|a=1|b=2 -0.500", "exemplar_bucket|le=+Inf 4.00", "last 0.500"))
      << testing::PrintToString(parsed.samples);
}

TEST(PrometheusText, NumbersMayBeInfiniteOrNone) {
  EXPECT_THAT(parse("a NaN\nb +Inf\nc -Inf\nd inf\ne Infinity\nf nan\n").samples,
              testing::ElementsAre("a NaN", "b +Inf", "c -Inf", "d +Inf", "e +Inf", "f NaN"));
}

TEST(PrometheusText, SaysWhichLineIsNone) {
  const std::pair<const char*, const char*> broken[] = {
      {"a 1\n<html>", "m:2: no Prometheus text: a line does not begin with the name of a metric"},
      {"9a 1", "m:1: no Prometheus text: a line does not begin with the name of a metric"},
      {"a", "m:1: no Prometheus text: '' is no number"},
      {"a x", "m:1: no Prometheus text: 'x' is no number"},
      {"a 0x10", "m:1: no Prometheus text: '0x10' is no number"},
      {"a --1", "m:1: no Prometheus text: '--1' is no number"},
      {"a 1e999", "m:1: no Prometheus text: '1e999' is no number"},
      {"a 1 2 3", "m:1: no Prometheus text: something follows the time stamp"},
      {"a 1 soon", "m:1: no Prometheus text: 'soon' is no time stamp"},
      {"a{b=\"1\" 2", "m:1: no Prometheus text: no comma between two labels"},
      {"a{b=\"1\",", "m:1: no Prometheus text: the labels are not closed, or one has no name"},
      {"a{b:c=\"1\"} 1", "m:1: no Prometheus text: a label has no value"},
      {"a{b=1} 1", "m:1: no Prometheus text: the value of a label is not in quotes"},
      {"a{b=\"1} 1",
       "m:1: no Prometheus text: the value of a label is not closed, or escapes what it must not"},
      {"a{b=\"\\x\"} 1",
       "m:1: no Prometheus text: the value of a label is not closed, or escapes what it must not"},
      {"a{b=\"\\",
       "m:1: no Prometheus text: the value of a label is not closed, or escapes what it must not"},
  };
  for (const auto& [text, error] : broken) EXPECT_EQ(parse(text).error, error) << text;
}

TEST(PrometheusText, IsBounded) {
  const PrometheusLimits limits{.bytes = 64, .line_bytes = 20, .labels = 2, .samples = 3};
  EXPECT_EQ(parse(std::string(65, '\n'), limits).error, "m: the metrics are larger than 64 B");
  EXPECT_EQ(parse("#" + std::string(20, 'x'), limits).error, "m:1: no Prometheus text: the line is too long");
  EXPECT_EQ(parse("a{b=\"\",c=\"\"} 1", limits).error, "");
  EXPECT_EQ(parse("a{b=\"\",c=\"\",d=\"\"}1", limits).error,
            "m:1: no Prometheus text: more than 2 labels on one sample");
  const Parsed parsed = parse("a 1\na 2\na 3\na 4\n", limits);
  EXPECT_EQ(parsed.error, "m:4: no Prometheus text: more than 3 samples");
  EXPECT_EQ(parsed.samples.size(), 3U);
}

}  // namespace assay::prometheus_text_test
