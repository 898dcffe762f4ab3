// What a job of the worker is: its row in the table, what it is given, and the JSON lines in which it
// answers.
//
// Every line of a job's stdout is one object with a member "type":
//   {"type": "info", …}                                   facts about devices, the model, the engine
//   {"type": "record", "metric", "value", "unit", "n", "method", "conditions": {…}, "samples": […]}   one
//   measurement
//   {"type": "progress", "fraction": 0 … 1, "status"}     how far the job has come
//   {"type": "finding", "severity", "code", "text", "evidence": {…}}   severity as evidence names it: "note",
//   "doubtful" …
//   {"type": "error", "what", "where", "remedy"}          the last line of a job that failed; exit code 1
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "os/os.h"

namespace assay {

// One measurement as it travels to assay. `samples` are the repetitions behind `value`, in `unit`; `n` is
// their number.
struct MeasuredRecord {
  std::string metric;
  double value = 0;
  std::string unit;
  std::string method;
  Json conditions = Json::object();
  std::vector<double> samples;
  // Without: the interval is left to the reader.
  double ci_low = 0, ci_high = 0, confidence = 0;
};

// Writes evidence, one line an object, each flushed whole. One thread only. A reader that is gone is not an
// error: the worker dies with its parent anyway.
class JsonLines {
 public:
  // `fd` is not owned.
  explicit JsonLines(int fd) : fd_(fd) {}

  void info(const Json& object);
  void record(const MeasuredRecord& record);
  void progress(double fraction, std::string_view status);
  void finding(std::string_view severity, std::string_view code, std::string_view text,
               Json evidence = Json::object());
  void error(const Error& error);

 private:
  void write(std::string_view type, const Json& object);
  int fd_;
};

struct JobContext {
  const Json& parameters;  // the job's JSON
  JsonLines& out;
  Clock& clock;
  Nanos start;  // of the worker, on `clock`

  bool has(std::string_view name) const { return parameters.find(name) != nullptr; }
  // A parameter or what stands in for it; values of another kind or out of [low, high] are errors that name
  // it.
  Result<int64_t> integer(std::string_view name, int64_t otherwise, int64_t low, int64_t high) const;
  Result<double> number(std::string_view name, double otherwise, double low, double high) const;
  Result<std::string> text(std::string_view name, std::string_view otherwise) const;
  Result<std::string> required_text(std::string_view name) const;
};

struct Job {
  const char* name;
  const char* description;
  const char* parameters;  // "name: meaning; …", for docs and error messages
  Result<void> (*run)(JobContext& context);
};

std::span<const Job> jobs();

// One file each.
Result<void> run_devices_job(JobContext& context);
Result<void> run_fit_job(JobContext& context);
Result<void> run_speed_job(JobContext& context);
Result<void> run_serve_job(JobContext& context);
Result<void> run_tokenise_job(JobContext& context);
Result<void> run_roofline_job(JobContext& context);

}  // namespace assay
