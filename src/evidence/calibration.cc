// The calibration as JSON and back; see calibration.h.
#include "evidence/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace assay {
namespace {

constexpr const char* kFormat = "assay calibration";
constexpr int kVersion = 1;
constexpr size_t kMostShapes = 64;
constexpr size_t kMostText = 300;

struct NumberRow {
  const char* name;
  std::optional<double> CalibrationShape::* member;
};
constexpr NumberRow kNumbers[] = {
    {"events_per_s", &CalibrationShape::events_per_s},
    {"arrival_error_us_min", &CalibrationShape::arrival_error_us_min},
    {"arrival_error_us_p50", &CalibrationShape::arrival_error_us_p50},
    {"arrival_error_us_p99", &CalibrationShape::arrival_error_us_p99},
    {"arrival_error_us_p99_9", &CalibrationShape::arrival_error_us_p99_9},
    {"arrival_error_us_max", &CalibrationShape::arrival_error_us_max},
    {"ttft_true_ms_mean", &CalibrationShape::ttft_true_ms_mean},
    {"ttft_error_percent", &CalibrationShape::ttft_error_percent},
    {"dispatch_lag_us_p99_9", &CalibrationShape::dispatch_lag_us_p99_9},
    {"dispatch_lag_us_max", &CalibrationShape::dispatch_lag_us_max},
    {"emulator_late_us_p99_9", &CalibrationShape::emulator_late_us_p99_9},
    {"emulator_late_us_max", &CalibrationShape::emulator_late_us_max},
    {"client_cpu_percent", &CalibrationShape::client_cpu_percent},
};

std::string text_of(const Json& json, const char* key) {
  return printable(json[key].as_string(), kMostText);
}

Json shape_json(const CalibrationShape& shape) {
  Json json = Json::object();
  json.set("name", shape.name).set("is_coalesced", shape.is_coalesced);
  json.set("is_valid", shape.is_valid())
      .set("skipped", shape.skipped)
      .set("void_because", shape.void_because);
  json.set("requests", shape.requests).set("events", shape.events);
  for (const NumberRow& row : kNumbers) {
    const std::optional<double>& value = shape.*row.member;
    json.set(row.name, value ? Json(*value) : Json());
  }
  return json;
}

CalibrationShape shape_of(const Json& json) {
  CalibrationShape shape{.name = text_of(json, "name"),
                         .is_coalesced = json["is_coalesced"].as_bool(),
                         .skipped = text_of(json, "skipped"),
                         .void_because = text_of(json, "void_because"),
                         .events = std::max<int64_t>(json["events"].as_integer(), 0),
                         .requests = std::max<int64_t>(json["requests"].as_integer(), 0)};
  for (const NumberRow& row : kNumbers) {
    const Json& value = json[row.name];
    if (value.is_number() && std::isfinite(value.as_number())) shape.*row.member = value.as_number();
  }
  // Both words and the mark say it; a document in which they differ is not believed.
  if (!json["is_valid"].as_bool() && shape.is_valid()) shape.void_because = "it is marked so";
  return shape;
}

}  // namespace

bool InstrumentCalibration::has_valid_shape() const {
  return std::ranges::any_of(shapes, &CalibrationShape::is_valid);
}

std::optional<double> InstrumentCalibration::reach_events_per_s() const {
  std::optional<double> reach;
  for (const CalibrationShape& shape : shapes) {
    if (!shape.is_valid() || shape.is_coalesced || !shape.events_per_s) continue;
    reach = std::max(reach.value_or(0), *shape.events_per_s);
  }
  return reach;
}

Json InstrumentCalibration::to_json() const {
  Json list = Json::array();
  for (const CalibrationShape& shape : shapes) list.push(shape_json(shape));
  Json json = Json::object();
  json.set("format", kFormat).set("version", kVersion).set("measured_at", measured_at);
  json.set("assay_version", conditions.assay_version).set("kernel", conditions.kernel);
  json.set("cpu", conditions.cpu).set("processors", conditions.processors);
  return json.set("shape_s", shape_s).set("shapes", std::move(list));
}

Result<InstrumentCalibration> InstrumentCalibration::from_json(const Json& json, const std::string& where) {
  if (json["format"].as_string() != kFormat)
    return fail("this is no calibration of assay", where, "Make one with `assay load --calibrate`.");
  if (json["version"].as_integer() != kVersion)
    return fail("this calibration has another version", where, "Make one with `assay load --calibrate`.");
  InstrumentCalibration calibration{.measured_at = text_of(json, "measured_at"),
                                    .conditions = {.assay_version = text_of(json, "assay_version"),
                                                   .kernel = text_of(json, "kernel"),
                                                   .cpu = text_of(json, "cpu"),
                                                   .processors = json["processors"].as_integer()}};
  const double shape_s = json["shape_s"].as_number();
  if (std::isfinite(shape_s) && shape_s >= 0) calibration.shape_s = shape_s;
  const Json::Array& shapes = json["shapes"].items();
  for (const Json& shape : std::span(shapes).first(std::min(shapes.size(), kMostShapes)))
    calibration.shapes.push_back(shape_of(shape));
  return calibration;
}

}  // namespace assay
