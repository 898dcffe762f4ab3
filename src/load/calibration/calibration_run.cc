// The shapes, the emulator's process, and one trial of each; see calibration_run.h.
#include "load/calibration/calibration_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "load/calibration/emulator_stamps.h"
#include "load/calibration/instrument_error.h"
#include "load/driver.h"
#include "target/target.h"
#include "workload/workload.h"

namespace assay {
namespace {

constexpr int64_t kMostStampBytes = int64_t{2} << 30;
constexpr Nanos kReadyTimeout = nanos_from_seconds(20);
constexpr Nanos kWriteTimeout = nanos_from_seconds(60);  // for the stamps, from SIGTERM
constexpr double kDrainS = 10;
constexpr uint32_t kMostConnections = 4096;
constexpr int64_t kOtherFiles = 128;  // that this process has open beside its connections

struct Shape {
  const char* name;
  uint32_t users;          // of a closed loop; 0: an open one
  double requests_per_s;   // of an open one
  uint32_t output_tokens;  // of each answer
  double ttft_ms, gap_ms;  // gap 0: coalesced, the whole answer in one write
  uint32_t most_requests;  // however long it takes; 0: no bound
  bool needs_two_cores;    // saturates one core on each side, or nearly
};
// A stream makes a token every 10 ms, so that the load is steady after half a second to a second.
constexpr Shape kShapes[] = {
    {"closed loop, 50 users of 100 tokens/s", 50, 0, 40, 50, 10, 0, false},
    {"open loop, 1,000 events/s", 0, 25, 40, 50, 10, 0, false},
    {"open loop, 20,000 events/s", 0, 500, 40, 50, 10, 0, false},
    {"open loop, 100,000 events/s", 0, 1250, 80, 50, 10, 0, true},
    // Millions of events a second: bounded, since each leaves two stamps.
    {"coalesced, 16 users, 256 tokens at once", 16, 0, 256, 0, 0, 4000, false},
};

bool is_coalesced(const Shape& shape) {
  return shape.gap_ms == 0;
}

// How many requests fill `shape_s`, and some more.
uint32_t requests_of(const Shape& shape, double shape_s) {
  double requests = shape.requests_per_s * shape_s;
  if (shape.users > 0) {
    const double answer_s = 1e-3 * (shape.ttft_ms + shape.gap_ms * (shape.output_tokens - 1));
    requests = shape.users * (answer_s > 0 ? shape_s / answer_s + 2 : 1e6);
  }
  if (shape.most_requests > 0) requests = std::min(requests, static_cast<double>(shape.most_requests));
  return static_cast<uint32_t>(std::max(std::ceil(requests), 2.0));
}

LengthDistribution fixed(uint32_t tokens) {
  return {.kind = LengthDistribution::Kind::kFixed, .a = static_cast<double>(tokens)};
}

std::unique_ptr<PlanSource> plan_of(const Shape& shape, double shape_s) {
  TrafficPlan plan;
  plan.classes.push_back({.name = "calibration",
                          .prompt_tokens = fixed(16),
                          .output_tokens = fixed(shape.output_tokens),
                          .turns = fixed(1)});
  if (shape.users > 0) plan.arrivals = {.kind = Arrivals::Kind::kClosed, .users = shape.users};
  if (shape.users == 0) plan.rate_per_s = shape.requests_per_s;
  plan.requests = requests_of(shape, shape_s);
  return traffic_source(std::move(plan));
}

// `assay emulate` in a process of its own, which does not outlive this.
class EmulatorProcess {
 public:
  EmulatorProcess(const CalibrationOptions& options, Clock& clock)
      : options_(options),
        clock_(clock),
        ready_path_(options.folder + "/url"),
        stamps_path_(options.folder + "/stamps.jsonl") {}
  ~EmulatorProcess() {
    process_.reset();  // kills it, before what it may write is removed
    remove_file(ready_path_);
    remove_file(stamps_path_);
  }
  EmulatorProcess(const EmulatorProcess&) = delete;
  EmulatorProcess& operator=(const EmulatorProcess&) = delete;

  // The URL once it is served.
  Result<std::string> start(const Shape& shape, uint64_t most_events) {
    remove_file(ready_path_);
    remove_file(stamps_path_);
    ASSIGN_OR_RETURN(GroupGuard guard, GroupGuard::start());
    guard_.emplace(std::move(guard));
    ProcessOptions process{
        .command = command_of(shape, most_events), .environment = options_.environment, .directory = ""};
    process.guard = &*guard_;
    ASSIGN_OR_RETURN(Process started, Process::start(process));
    process_.emplace(std::move(started));
    const Nanos deadline = clock_.now() + kReadyTimeout;
    while (!file_exists(ready_path_)) {
      if (options_.interrupted && options_.interrupted()) return fail("interrupted");
      if (const std::optional<ProcessEnd> end = process_->poll_end())
        return failure("ended before it was ready: " + end->words());
      if (clock_.now() > deadline) return failure("was not ready in time");
      clock_.sleep_until(clock_.now() + nanos_from_ms(5));
    }
    ASSIGN_OR_RETURN(const std::string url, read_file(ready_path_, 4096));
    return std::string(trim(url));
  }

  // Ends it in order and reads what it wrote.
  Result<EmulatorStamps> stop() {
    const ProcessEnd end = process_->end_by(clock_.now(), clock_, kWriteTimeout);
    if (!end.clean()) return failure("did not end well: " + end.words());
    ASSIGN_OR_RETURN(const std::string text, read_file(stamps_path_, kMostStampBytes));
    return parse_emulator_stamps(text, stamps_path_);
  }

 private:
  std::vector<std::string> command_of(const Shape& shape, uint64_t most_events) const {
    std::vector<std::string> command = options_.program;
    for (const char* word : {"emulate", "--port", "0", "--timing"}) command.emplace_back(word);
    command.emplace_back(is_coalesced(shape) ? "coalesced" : "constant");
    command.insert(command.end(), {"--ttft-ms", fmt::format("{}", shape.ttft_ms)});
    if (!is_coalesced(shape)) command.insert(command.end(), {"--gap-ms", fmt::format("{}", shape.gap_ms)});
    command.insert(command.end(), {"--stamps", stamps_path_, "--stamps-events", std::to_string(most_events),
                                   "--ready-file", ready_path_});
    return command;
  }

  static std::unexpected<Error> failure(const std::string& words) {
    return fail(
        "the emulator of the calibration " + words, "",
        "`assay emulate` alone says more; it needs a free port of 127.0.0.1 and room for its stamps.");
  }

  const CalibrationOptions& options_;
  Clock& clock_;
  std::string ready_path_, stamps_path_;
  std::optional<GroupGuard> guard_;  // outlives the process
  std::optional<Process> process_;
};

Result<CalibrationShape> run_shape(const Shape& shape, const CalibrationOptions& options, Clock& clock,
                                   uint32_t connections) {
  const std::unique_ptr<PlanSource> plan = plan_of(shape, options.shape_s);
  EmulatorProcess emulator(options, clock);
  // Two more tokens are those of the trial request that every endpoint is opened with.
  const uint64_t most_events = (plan->size() + 1) * uint64_t{shape.output_tokens};
  ASSIGN_OR_RETURN(const std::string url, emulator.start(shape, most_events));
  const auto target = make_endpoint_target({.name = "emulator",
                                            .url = url,
                                            .max_connections = connections,
                                            .timeout_s = options.shape_s + kDrainS,
                                            .interrupted = options.interrupted},
                                           clock);
  if (Result<TargetInfo> info = target->open(); !info) return std::unexpected(std::move(info).error());
  LoadOptions load;
  load.max_duration = nanos_from_seconds(options.shape_s);
  load.drain_timeout = nanos_from_seconds(kDrainS);
  load.interrupted = options.interrupted;
  target->restart_measuring();
  const LoadResult result = drive_load(*target, clock, *plan, load);
  const TargetEnd end = target->close();
  if (result.is_interrupted) return fail("interrupted");
  ASSIGN_OR_RETURN(const EmulatorStamps stamps, emulator.stop());
  return instrument_error(result, stamps, end.stamps_are_wrong);
}

}  // namespace

Result<std::vector<CalibrationShape>> run_calibration(const CalibrationOptions& options, Clock& clock) {
  const int64_t files = std::max<int64_t>(raise_open_files_limit() - kOtherFiles, 1);
  std::vector<CalibrationShape> shapes;
  for (const Shape& shape : kShapes) {
    CalibrationShape row{.name = shape.name, .is_coalesced = is_coalesced(shape)};
    // By Little's law, with half as many again for the arrivals' variance.
    const double answer_s = 1e-3 * (shape.ttft_ms + shape.gap_ms * shape.output_tokens);
    const double streams = std::max<double>(shape.users, 1.5 * shape.requests_per_s * answer_s);
    if (shape.needs_two_cores && options.processors < 2) {
      row.skipped = "client and server cannot have a core each";
    } else if (streams > static_cast<double>(files)) {
      row.skipped = fmt::format("the limit of open files allows {} (ulimit -n)",
                                counted(static_cast<int64_t>(files), "connection"));
    } else {
      if (options.on_shape) options.on_shape(shape.name);
      const auto connections = static_cast<uint32_t>(std::min<int64_t>(kMostConnections, files));
      ASSIGN_OR_RETURN(CalibrationShape measured, run_shape(shape, options, clock, connections));
      measured.name = row.name;
      measured.is_coalesced = row.is_coalesced;
      row = std::move(measured);
    }
    shapes.push_back(std::move(row));
  }
  return shapes;
}

}  // namespace assay
