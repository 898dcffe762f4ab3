// Runs vendors' programs with limits; see vendor_calls.h.
#include "exam/probe/vendor_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "exam/findings.h"
#include "exam/probe/stack_files.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr Nanos kVendorCallLimit = nanos_from_ms(2500);
constexpr size_t kMostVendorBytes = 64 << 10, kMostVendorCalls = 64, kMostFrameworkDevices = 50;
constexpr std::string_view kAnswerMark = "assay-devices ";

// Frameworks write to stdout what they please: answers are lines that begin with the mark. What is imported
// beside a framework are its plug-ins; the one that is missing is passed over.
constexpr const char* kPythonScript = R"python(
import importlib, json, sys
def tell(**facts):
    sys.stdout.write("\nassay-devices " + json.dumps(facts) + "\n")
    sys.stdout.flush()
framework, plugins = sys.argv[1], sys.argv[2:]
try:
    module = importlib.import_module(framework)
except BaseException as error:
    tell(framework=framework, error="%s: %s" % (type(error).__name__, error))
    sys.exit(0)
for plugin in plugins:
    try:
        importlib.import_module(plugin)
    except BaseException as error:
        tell(framework=plugin, error="%s: %s" % (type(error).__name__, error))
if framework == "onnxruntime":
    for provider in module.get_available_providers():
        tell(framework=framework, device=str(provider))
else:
    for device in ("cuda", "musa", "npu", "xpu", "mlu", "hpu", "gcu", "supa"):
        part = getattr(module, device, None)
        try:
            count = part.device_count() if part is not None and part.is_available() else 0
            if count > 0:
                tell(framework=framework, device=device, count=int(count), name=str(part.get_device_name(0)))
        except BaseException as error:
            tell(framework=framework, device=device, error="%s: %s" % (type(error).__name__, error))
)python";

// One child: a tool's version, or a framework of an environment.
struct VendorCall {
  ProcessOptions options;
  FoundTool* tool = nullptr;
  size_t python = 0;
  std::string framework;
};

std::vector<VendorCall> tool_calls(std::vector<FoundTool>& tools,
                                   const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<VendorCall> calls;
  for (FoundTool& tool : tools) {
    if (tool.version_flag.empty() || calls.size() >= kMostVendorCalls) continue;
    VendorCall call;
    call.options.command = {tool.path, tool.version_flag};
    call.options.environment = environment;
    call.options.directory = "/";
    call.tool = &tool;
    calls.push_back(std::move(call));
  }
  return calls;
}

void add_python_calls(const std::vector<PythonEnvironment>& pythons,
                      const std::vector<std::pair<std::string, std::string>>& environment,
                      std::vector<VendorCall>& calls) {
  for (size_t i = 0; i < pythons.size(); ++i) {
    if (!pythons[i].error.empty()) continue;
    for (const char* framework : {"torch", "onnxruntime"}) {
      const auto is_it = [&](const PythonPackage& package) { return package.module == framework; };
      if (!std::ranges::any_of(pythons[i].packages, is_it)) continue;
      VendorCall call;
      call.options.command = {pythons[i].interpreter, "-c", kPythonScript, framework};
      for (const PythonPackage& package : pythons[i].packages) {
        const bool is_plugin = package.role == "PyTorch plug-in" && !package.module.empty();
        if (is_plugin && std::string_view(framework) == "torch")
          call.options.command.push_back(package.module);
      }
      call.options.environment = environment;
      call.options.directory = "/";
      call.python = i;
      call.framework = framework;
      calls.push_back(std::move(call));
    }
  }
}

void take_version(FoundTool& tool, const ChildOutput& output, std::vector<Finding>& findings) {
  // 126 and 127 are those of shells and of the loader, for a program that cannot run here.
  const bool cannot_run = output.end && output.end->exited && output.end->exit_code >= 126;
  if (!cannot_run) tool.version = first_version(output.out);
  // What a tool that fails writes there names other things' versions: of the library that it lacks.
  if (tool.version.empty() && output.is_clean()) tool.version = first_version(output.err);
  const bool is_broken = !output.error.empty() || output.timed_out || output.is_cut_off || cannot_run ||
                         (output.end && !output.end->exited);
  // A tool that does not know the flag is no fault of the stack.
  if (!is_broken) return;
  const std::string said = printable(trim(output.err), 200);
  findings.push_back(make_finding(Severity::kDoubtful, "probe.tool-failed",
                                  fmt::format("{} {} {}{}.", printable(tool.path), tool.version_flag,
                                              output.words(), cannot_run && !said.empty() ? ": " + said : ""),
                                  Json::object().set("path", printable(tool.path))));
}

void take_devices(const VendorCall& call, const ChildOutput& output, PythonAnswer& answer,
                  std::vector<Finding>& findings) {
  const auto add_error = [&](const std::string& text) {
    answer.error += fmt::format("{}{}", answer.error.empty() ? "" : "; ", text);
  };
  for (FrameworkDevice& device : parse_framework_devices(output.out))
    answer.devices.push_back(std::move(device));
  for (const std::string_view line : split(output.out, '\n')) {
    if (!line.starts_with(kAnswerMark)) continue;
    const Result<Json> told = Json::parse(line.substr(kAnswerMark.size()), call.framework);
    if (told && !(*told)["error"].as_string().empty())
      add_error(fmt::format("{}: {}", printable((*told)["framework"].as_string(), 60),
                            printable((*told)["error"].as_string(), 200)));
  }
  if (output.words().empty()) return;
  add_error(fmt::format("importing {} {}", call.framework, output.words()));
  findings.push_back(make_finding(
      Severity::kDoubtful, "probe.python-failed",
      fmt::format("{}: importing {} {}.", printable(call.options.command[0]), call.framework, output.words()),
      Json::object().set("framework", call.framework)));
}

}  // namespace

std::vector<FrameworkDevice> parse_framework_devices(std::string_view output) {
  std::vector<FrameworkDevice> devices;
  for (const std::string_view line : split(output, '\n')) {
    if (!line.starts_with(kAnswerMark) || devices.size() >= kMostFrameworkDevices) continue;
    const Result<Json> told = Json::parse(line.substr(kAnswerMark.size()), "devices");
    if (!told || (*told)["device"].as_string().empty() || told->find("error") != nullptr) continue;
    FrameworkDevice device;
    device.framework = printable((*told)["framework"].as_string(), 60);
    device.device = printable((*told)["device"].as_string(), 60);
    device.count = (*told)["count"].as_integer(-1);
    device.name = printable((*told)["name"].as_string(), 120);
    devices.push_back(std::move(device));
  }
  return devices;
}

VendorAnswers ask_vendors(std::vector<FoundTool>& tools, const std::vector<PythonEnvironment>& pythons,
                          const std::vector<std::pair<std::string, std::string>>& environment) {
  VendorAnswers answers;
  answers.python.resize(pythons.size());
  std::vector<VendorCall> calls = tool_calls(tools, environment);
  add_python_calls(pythons, environment, calls);
  std::vector<ProcessOptions> children;
  for (const VendorCall& call : calls) children.push_back(call.options);
  // Foreign programs take real time whatever clock a test has.
  SystemClock clock;
  const std::vector<ChildOutput> outputs =
      run_side_by_side(children, clock, kVendorCallLimit, kMostVendorBytes);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].tool != nullptr)
      take_version(*calls[i].tool, outputs[i], answers.findings);
    else
      take_devices(calls[i], outputs[i], answers.python[calls[i].python], answers.findings);
  }
  return answers;
}

}  // namespace assay
