// The instrument's calibration as reports show it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evidence/evidence.h"

namespace assay {

struct CalibrationValue {
  std::optional<double> value;
  bool is_largest = false;  // of too few samples for the column's percentile
};
struct CalibrationRow {
  std::string name;  // of the shape, with a mark where it does not count
  bool is_void = false;
  std::vector<CalibrationValue> values;  // as long as CalibrationTable::heads
};
struct CalibrationTable {
  struct Head {
    const char* title;
    const char* unit;
  };
  std::vector<Head> heads;  // of the numbers; the shape's name stands before them
  std::vector<CalibrationRow> rows;
  std::vector<std::string> notes;  // why a shape was skipped or is void
};
// "326", "326 max" of the largest, a dash where it is unknown.
std::string calibration_text(const CalibrationValue& value);
CalibrationTable calibration_table(const InstrumentCalibration& calibration);
// "Calibrated 2026-11-24 with assay 0.1.0 on AMD EPYC, 8 processors, kernel 6.1.0; 4 s a shape".
std::string calibration_conditions(const InstrumentCalibration& calibration);

// What a report of a run says of the instrument's own error. Nothing in it for a run without load trials.
struct InstrumentCheck {
  bool applies = false;                              // the run has load trials
  std::optional<InstrumentCalibration> calibration;  // of the machine that made the run, if there was one
  // One phrase: "not calibrated on this machine: `assay load --calibrate`", or "calibrated 2026-11-24:
  // arrivals p99 within 5.7 µs at up to 20,000 events/s".
  std::string phrase;
  std::string beyond;  // that a trial had more events/s than the calibration reaches; "": none had
};
InstrumentCheck instrument_check(const DossierContent& content);

}  // namespace assay
