// The front door of exam: the table of exams, and how a scenario becomes trials and trials become evidence.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "exam/probe/host_roots.h"  // IWYU pragma: export
#include "measure/measure.h"
#include "os/os.h"
#include "scenario/scenario.h"
#include "target/target.h"

namespace assay {

// What a live display is told. Never blocks, never fails.
class Progress {
 public:
  virtual ~Progress() = default;
  // `fraction` of the trial under way is done; `status` is a short line with the numbers that matter now.
  virtual void update(double fraction, const std::string& status) = 0;
  virtual void finding(const Finding& finding) = 0;
};

class RankStart;  // load/ranks/rank_start.h

// What an exam may use while it runs a trial.
struct ExamContext {
  const Scenario& scenario;
  Clock& clock;
  Progress& progress;
  WorkerCommand worker;
  std::string bundled_model_directory;  // where SmolLM2 lies
  std::string model_cache_directory;    // where synthetic models are written and kept
  int64_t model_cache_limit_bytes = 0;
  std::string kit_directory;  // where assay's own kits lie
  // Environment of servers that are launched, and of kits: what such programs read, without secrets.
  std::vector<std::pair<std::string, std::string>> server_environment;
  PowerPlaces power;                  // where power sensors are looked for
  std::function<bool()> interrupted;  // Ctrl-C: end soon and cleanly
  // Where set, a load trial that is `interrupted` while it sends awaits what is out and keeps what it has;
  // this one ends it at once. Asked of the last trial only: one that others follow is run again by a resumed
  // run.
  std::function<bool()> interrupted_again;
  const Dossier* dossier = nullptr;  // what the trials before have left; null: nothing
  std::function<std::string(const std::string& name)> secret;  // environment variable by name; "" if unset
  // The server that was launched for the target whose trials are running, kept between them; null: none.
  std::unique_ptr<LaunchedServer> server = nullptr;
  // Of a load trial that several load generators run together: how they begin. Null: this one is alone.
  RankStart* ranks = nullptr;
  // Read around each trial of a device of this machine, for what other work took of it; empty: not looked at.
  std::function<std::optional<HostCpu>()> host_cpu;
};

struct Exam {
  const char* name;  // "roofline"
  const char* title;
  int question;  // which of the eight it speaks to first
  const char* description;
  const char* details;  // for `assay show`: what is measured, what decides its size, what voids it
  const char* example;  // a command line
  // The trials of this exam for one target of the scenario (already one device each), in order. Ids are set
  // by the caller.
  std::vector<Trial> (*plan)(const Scenario& scenario, const TargetSpec& target, const Json& device);
  // Runs one trial. An error is for what assay itself cannot do (disk full, interrupted); whatever the target
  // does wrong is an outcome with state kFailed and a finding.
  Result<TrialOutcome> (*run)(ExamContext& context, const Trial& trial, const TargetSpec& target);
};

std::span<const Exam> exams();
std::vector<std::string> exam_names();
const Exam* find_exam(std::string_view name);

// What a probe looks at. Of a host that is not this machine the engine is never asked.
struct HostProbe {
  WorkerCommand worker;        // the engine's
  bool asks_engine = true;     // false: its devices are left out
  bool measure_speed = false;  // of each of its devices, for sizing
  HostRoots roots = {};
  std::string pci_ids = {};  // list of PCI names to prefer; "": the host's own, else this machine's
  const ChipCatalogue* chips = &ChipCatalogue::built_in();
  const ProfileCatalogue* profiles = &ProfileCatalogue::built_in();
  // Management libraries are loaded and asked, in children started by `management`; of `only_of_cards` those
  // of vendors only who have a card here.
  bool asks_management = false, only_of_cards = false;
  ManagementAccess management = {};
  std::string library_path = {};  // as in LD_LIBRARY_PATH
  std::string path = {};          // as in PATH
  // Python environments to look into: those that were asked for (programs or folders, absolute), else
  // python3 of `path` and the folders of environments that are active.
  std::vector<std::string> pythons = {}, python_environments = {};
  // Vendors' tools are run for their versions and Python frameworks for their devices, in children that get
  // `child_environment`; of this machine only.
  bool runs_vendor_code = false;
  std::vector<std::pair<std::string, std::string>> child_environment = {};
};

// What this host is: CPU, memory, its devices as the engine's worker sees them, each with a measured speed
// for sizing, accelerators, links, sensors and libraries (docs/probe.md names every member).
// {"cpu": {…}, "memory": {…}, "devices": [{"name", "description", "type", "memory_bytes",
// "matmul_gflop_per_s"}, …],
//  "engine": {"version", "library"}, "accelerators": […], …, "probe_findings": […]}. Why there are no
//  devices,
// of a worker that failed: "devices_error". Interrupted, it says so under "devices_error". What could not be
// loaded beside them (a backend library of ASSAY_BACKEND_PATH): "devices_notes", a list of texts.
Json probe_host(const HostProbe& probe, Clock& clock, const std::function<bool()>& interrupted);
// The first five members of it: what the engine is and what it runs on.
Json probe_engine(const HostProbe& probe, Clock& clock, const std::function<bool()>& interrupted);

// Where the power sensors of a host lie: its sysfs, its management controller, and, where `asks_management`,
// the libraries of vendors who have a card there.
PowerPlaces find_power_places(const HostProbe& probe);
// The same without libraries.
PowerPlaces kernel_power_places(const HostRoots& roots);

// What a calibration of the instrument holds for: this kernel and processor, and `assay_version`. Reads files
// of /proc and /sys only.
InstrumentConditions instrument_conditions(const std::string& assay_version);

// Ids of trials that failed before any work was tried, so that they say nothing about their target: a resumed
// run tries them again. Not of an endpoint that was reached and is no longer: it was lost.
std::set<int64_t> untried_trials(const DossierContent& content);
// True where no trial got as far as its target: a URL that nobody answers at, a key that is not set, a model
// that cannot be read. Such a run says nothing about anything.
bool was_nothing_tried(const DossierContent& content);

}  // namespace assay
