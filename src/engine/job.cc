// The JSON lines of a job and the reading of its parameters.
#include "engine/job.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace assay {
namespace {

Error wrong_parameter(std::string_view name, std::string_view expected) {
  return Error{fmt::format("the job's parameter \"{}\" is not {}", name, expected), "job", ""};
}

}  // namespace

void JsonLines::write(std::string_view type, const Json& object) {
  Json line = Json::object();
  line.append_member("type", type);
  for (const auto& [name, value] : object.members()) line.append_member(name, value);
  const std::string text = line.dump() + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    done += static_cast<size_t>(n);
  }
}

void JsonLines::info(const Json& object) {
  write("info", object);
}

void JsonLines::record(const MeasuredRecord& record) {
  Json object = Json::object();
  object.set("metric", record.metric).set("value", record.value).set("unit", record.unit);
  object.set("n", static_cast<int64_t>(record.samples.size())).set("method", record.method);
  object.set("conditions", record.conditions);
  if (record.confidence > 0) {
    object.set("ci_low", record.ci_low).set("ci_high", record.ci_high).set("confidence", record.confidence);
  }
  Json samples = Json::array();
  for (const double sample : record.samples) samples.push(sample);
  object.set("samples", std::move(samples));
  write("record", object);
}

void JsonLines::progress(double fraction, std::string_view status) {
  write("progress", Json::object().set("fraction", fraction).set("status", status));
}

void JsonLines::finding(std::string_view severity, std::string_view code, std::string_view text,
                        Json evidence) {
  Json object = Json::object();
  object.set("severity", severity).set("code", code).set("text", text).set("evidence", std::move(evidence));
  write("finding", object);
}

void JsonLines::error(const Error& error) {
  write("error",
        Json::object().set("what", error.what).set("where", error.where).set("remedy", error.remedy));
}

Result<int64_t> JobContext::integer(std::string_view name, int64_t otherwise, int64_t low,
                                    int64_t high) const {
  const Json* value = parameters.find(name);
  if (value == nullptr) return otherwise;
  const int64_t number = value->as_integer(low - 1);
  if (!value->is_integer() || number < low || number > high) {
    return std::unexpected(wrong_parameter(name, fmt::format("a whole number from {} to {}", low, high)));
  }
  return number;
}

Result<double> JobContext::number(std::string_view name, double otherwise, double low, double high) const {
  const Json* value = parameters.find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_number() || value->as_number() < low || value->as_number() > high) {
    return std::unexpected(wrong_parameter(name, fmt::format("a number from {} to {}", low, high)));
  }
  return value->as_number();
}

Result<std::string> JobContext::text(std::string_view name, std::string_view otherwise) const {
  const Json* value = parameters.find(name);
  if (value == nullptr) return std::string(otherwise);
  if (!value->is_string()) return std::unexpected(wrong_parameter(name, "a text"));
  return value->as_string();
}

Result<std::string> JobContext::required_text(std::string_view name) const {
  if (!has(name)) return fail(fmt::format("the job lacks its parameter \"{}\"", name), "job");
  return text(name, "");
}

}  // namespace assay
