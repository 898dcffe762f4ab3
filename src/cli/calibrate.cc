// Calibrating the load generator; see calibrate.h.
#include "cli/calibrate.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/places.h"
#include "cli/progress.h"
#include "exam/exam.h"
#include "load/load.h"
#include "report/report.h"

namespace assay {
namespace {

constexpr int64_t kMostCalibrationBytes = 1 << 20;
constexpr double kUsualShapeS = 4;
constexpr double kLeastShapeS = 0.2, kMostShapeS = 30;
constexpr const char* kFileName = "calibration.json";

Result<double> shape_seconds(const ParsedOptions& options) {
  if (!options.has("--duration")) return kUsualShapeS;
  const std::string text = options.value("--duration");
  const std::optional<double> value = parse_number(text);
  if (value && *value >= kLeastShapeS && *value <= kMostShapeS) return *value;
  return fail(fmt::format("'{}' is no number from {} to {}", printable(text, 60), kLeastShapeS, kMostShapeS),
              "--duration", "With --calibrate it is the seconds for each shape of traffic.");
}

// A folder below the cache that one calibration at a time has: two would measure each other.
class CalibrationFolder {
 public:
  static Result<CalibrationFolder> make(const std::string& path) {
    if (const Result<void> made = make_directories(path); !made)
      return fail(made.error().what, made.error().where,
                  "Name a folder that you may write to with ASSAY_CACHE_DIR.");
    Result<FileDescriptor> lock = lock_directory(path);
    if (!lock)
      return fail("another calibration is under way: two would disturb each other", path,
                  "Wait for its end.");
    return CalibrationFolder(path, std::move(*lock));
  }
  CalibrationFolder(CalibrationFolder&& other) noexcept
      : path_(std::exchange(other.path_, "")), lock_(std::move(other.lock_)) {}
  CalibrationFolder& operator=(CalibrationFolder&&) = delete;
  ~CalibrationFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);  // only if it is empty
  }
  const std::string& path() const { return path_; }

 private:
  CalibrationFolder(std::string path, FileDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  FileDescriptor lock_;
};

Result<InstrumentCalibration> measure(CommandContext& context, const std::string& folder, double shape_s) {
  CliEnvironment& environment = context.environment;
  ProgressDisplay display(context.terminal, environment.clock);
  InstrumentCalibration calibration{.measured_at = environment.clock.wall_time(),
                                    .conditions = instrument_conditions(kVersion),
                                    .shape_s = shape_s,
                                    .shapes = {}};
  const CalibrationOptions options{
      .program = {environment.executable},
      .environment = worker_command(environment).environment,
      .folder = folder,
      .shape_s = shape_s,
      .processors = calibration.conditions.processors,
      .interrupted = environment.interrupted,
      .on_shape = [&](const std::string& name) { display.note("measuring: " + name); }};
  ASSIGN_OR_RETURN(calibration.shapes, run_calibration(options, environment.clock));
  return calibration;
}

// The file beside the one in the cache, which is tried before anything is measured; "": none is wanted.
Result<std::string> wanted_file(const std::string& folder) {
  if (folder.empty()) return std::string();
  RETURN_IF_ERROR(make_directories(folder));
  std::string path = folder + "/" + kFileName;
  RETURN_IF_ERROR(try_output(path));
  return path;
}

bool has_void_shape(const InstrumentCalibration& calibration) {
  for (const CalibrationShape& shape : calibration.shapes) {
    if (!shape.void_because.empty()) return true;
  }
  return false;
}

}  // namespace

Result<int> run_calibrate(CommandContext& context, const ParsedOptions& options) {
  ASSIGN_OR_RETURN(const Places places, find_places(context.environment));
  ASSIGN_OR_RETURN(const double shape_s, shape_seconds(options));
  ASSIGN_OR_RETURN(const CalibrationFolder folder,
                   CalibrationFolder::make(places.cache_directory + "/calibrate"));
  ASSIGN_OR_RETURN(const std::string wanted, wanted_file(options.value("--out")));
  ASSIGN_OR_RETURN(const InstrumentCalibration calibration, measure(context, folder.path(), shape_s));
  const std::string text = calibration.to_json().dump(2) + "\n";
  const bool is_any_valid = calibration.has_valid_shape();
  const std::string path = places.cache_directory + "/" + kFileName;
  if (is_any_valid) RETURN_IF_ERROR(write_file_atomically(path, text));
  if (!wanted.empty()) RETURN_IF_ERROR(write_file_atomically(wanted, text));
  RETURN_IF_ERROR(context.terminal.out(options.has("--json") ? text : render_calibration(calibration)));
  context.terminal.err(
      is_any_valid ? fmt::format("kept in {}: reports of this machine carry it\n", printable(path, 400))
                   : std::string("no shape was valid: nothing is kept. Run it on a machine at rest.\n"));
  return has_void_shape(calibration) || !is_any_valid ? 1 : 0;
}

std::optional<InstrumentCalibration> calibration_here(const CliEnvironment& environment) {
  const Result<Places> places = find_places(environment);
  if (!places) return std::nullopt;
  const std::string path = places->cache_directory + "/" + kFileName;
  const Result<std::string> text = read_file(path, kMostCalibrationBytes);
  if (!text) return std::nullopt;
  const Result<Json> json = Json::parse(*text, path);
  if (!json) return std::nullopt;
  Result<InstrumentCalibration> calibration = InstrumentCalibration::from_json(*json, path);
  if (!calibration || !calibration->conditions.is_same_machine(instrument_conditions(kVersion)))
    return std::nullopt;
  return std::move(*calibration);
}

}  // namespace assay
