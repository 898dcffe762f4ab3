// SideSampler: what is sampled beside the requests of a load trial, on the same clock: the server's metrics
// and this machine's power sensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "measure/measure.h"
#include "target/target.h"

namespace assay {

struct SideOptions {
  double interval_s = 0;  // 0: nothing is sampled
  std::vector<std::string>
      base_urls;  // of the endpoint's servers; empty: the target is a device of this machine
  std::vector<MetricsScraperOptions> metrics;  // one for each server that is asked
  bool reads_power = false;                    // where all of the target works on this machine
  PowerPlaces power;
};

struct ServerPoint {
  Nanos at{};             // between the question and its answer: the server read its counters around then
  Nanos took{};           // from the question to its answer; of several servers, to the last answer
  ServerReading reading;  // of all servers together: see joined_reading
};

struct PowerPoint {
  Nanos at{};
  std::vector<double> energy_j;  // of each sensor since the first point; NaN: it could not be read
};

// What was sampled. Instants are CLOCK_MONOTONIC.
struct SideSeries {
  std::vector<ServerPoint> server;  // the answers; of several servers, of rounds in which all answered
  int64_t unanswered = 0;           // questions without a usable answer
  Error first_error;                // of them
  std::vector<PowerSensor> sensors;
  std::vector<PowerPoint> power;
  std::vector<Error> lost_sensors;  // that ended while they were read: where says which
  Nanos cpu_time{};                 // that the sampling took, between start() and stop()

  bool empty() const { return server.empty() && power.empty() && unanswered == 0; }
};

// Samples in a thread of its own, which runs only in time that the load generator leaves (see
// lower_thread_priority) and shares nothing with it but the process: a connection, buffers and sensors of its
// own. Its CPU time is known apart from the client's. Rather a thread than a process of its own: a question a
// second costs less than a second process would by merely being there, and the key stays in one.
class SideSampler {
 public:
  // Asks each server for its metrics once, finds the sensors, and says in `findings`, as notes, what is not
  // there. Null if there is nothing to sample. Blocks, the `timeout_s` of each server at most, and
  // kManagementPatience where management libraries are asked.
  static std::unique_ptr<SideSampler> open(SideOptions options, const std::function<bool()>& interrupted,
                                           std::vector<Finding>& findings);
  virtual ~SideSampler() = default;

  // The first sample is taken at once, the others at whole intervals from then on; one that is late is not
  // made up for.
  virtual void start() = 0;
  // Takes a last sample of the sensors. A question that is on its way is given up.
  virtual SideSeries stop() = 0;
};

}  // namespace assay
