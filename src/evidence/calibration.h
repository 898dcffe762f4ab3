// InstrumentCalibration: what `assay load --calibrate` found the instrument's own error to be, on one
// machine: a document of its own, which a run takes into its dossier as `host.calibration`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

// A calibration holds for the program, kernel and processor that it was made with.
struct InstrumentConditions {
  std::string assay_version;
  std::string kernel;      // "6.1.0-18-amd64"
  std::string cpu;         // "AMD EPYC 9654"
  int64_t processors = 0;  // that this process may use

  // Another number of processors is told, and makes it no other machine.
  bool is_same_machine(const InstrumentConditions& other) const {
    return assay_version == other.assay_version && kernel == other.kernel && cpu == other.cpu;
  }
  bool operator==(const InstrumentConditions&) const = default;
};

// One shape of traffic against a server whose send stamps are the truth. What is absent was not measured, or
// has too few samples (measure's samples_needed).
struct CalibrationShape {
  std::string name;           // "open loop, 20,000 events/s"
  bool is_coalesced = false;  // many events in one read: tells a rate, not how far single arrivals hold
  std::string skipped;        // why it was not measured; "": it was
  std::string void_because;   // why its numbers are not the instrument's error; "": they are
  int64_t events = 0;         // content chunks that were held against a send stamp
  int64_t requests = 0;
  std::optional<double> events_per_s;
  // Arrival of a chunk less the server's send stamp.
  std::optional<double> arrival_error_us_min, arrival_error_us_p50, arrival_error_us_p99,
      arrival_error_us_p99_9, arrival_error_us_max;
  std::optional<double> ttft_true_ms_mean;   // the server's first send stamp less the scheduled instant
  std::optional<double> ttft_error_percent;  // of the mean TTFT, against that
  std::optional<double> dispatch_lag_us_p99_9, dispatch_lag_us_max;    // of all requests
  std::optional<double> emulator_late_us_p99_9, emulator_late_us_max;  // the server's: actual send less due
  std::optional<double> client_cpu_percent;                            // of one core

  bool is_valid() const { return skipped.empty() && void_because.empty(); }
  bool operator==(const CalibrationShape&) const = default;
};

struct InstrumentCalibration {
  std::string measured_at;  // UTC, ISO 8601
  InstrumentConditions conditions;
  double shape_s = 0;  // how long a shape sent requests
  std::vector<CalibrationShape> shapes;

  bool has_valid_shape() const;
  // The most events/s, each sent on its own, at which the error is known; nothing if there is no such shape.
  std::optional<double> reach_events_per_s() const;
  bool operator==(const InstrumentCalibration&) const = default;

  Json to_json() const;
  // Foreign documents: texts are bounded and made printable, numbers must be finite, 64 shapes are read at
  // most. Fails for another format or version. `where` names the document in errors.
  static Result<InstrumentCalibration> from_json(const Json& json, const std::string& where);
};

}  // namespace assay
