// Files of single requests; see request_files.h.
#include "cli/request_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/session.h"
#include "os/os.h"

namespace assay {
namespace {

// Made of the table of formats.
const std::string& export_help() {
  static const std::string help = [] {
    std::string text =
        "Also write a result file of another tool, by its own definitions, of a sweep one a point; more than once for "
        "more files:";
    const char* separator = " ";
    for (const ExportFormat& format : export_formats()) {
      text += fmt::format("{}{}: {}", separator, format.name, format.title);
      separator = "; ";
    }
    return text + ".";
  }();
  return help;
}

Result<LoadExport> export_of(const std::string& text) {
  const size_t equals = text.find('=');
  const ExportFormat* format = find_export_format(text.substr(0, equals));
  if (format != nullptr && equals != std::string::npos && equals + 1 < text.size())
    return LoadExport{format, text.substr(equals + 1)};
  std::string forms;
  for (const ExportFormat& each : export_formats())
    forms += fmt::format("{}{}=FILE", forms.empty() ? "" : " or ", each.name);
  return fail(fmt::format("'{}' names no form and file", printable(text, 60)), "--export",
              fmt::format("Write {}.", forms));
}

// A file that a flag asks for.
struct FlagOutput {
  std::string flag;
  std::string path;
};

std::vector<FlagOutput> outputs_of(const RequestFiles& files, const std::string& report) {
  std::vector<FlagOutput> outputs = {
      {"--output", report}, {"--samples", files.samples}, {"--csv", files.csv}};
  for (const LoadExport& each : files.exports)
    outputs.push_back({fmt::format("--export {}", each.format->name), each.path});
  std::erase_if(outputs, [](const FlagOutput& output) { return output.path.empty(); });
  return outputs;
}

// What could not be written would be known only when all has been sent.
Result<void> check_output(const FlagOutput& output) {
  if (list_directory(output.path))
    return fail(fmt::format("'{}' is a folder", printable(output.path, 200)), output.flag,
                "Name a file in it.");
  if (const std::string folder = parent_directory(output.path); !file_exists(folder))
    return fail(fmt::format("there is no folder '{}'", printable(folder, 200)), output.flag,
                "Make it first.");
  const Result<void> tried = try_output(output.path);
  if (tried) return {};
  return fail(fmt::format("'{}': {}", printable(output.path, 200), tried.error().what), output.flag,
              tried.error().remedy);
}

// The later one would replace the other.
Result<void> check_apart(std::span<const FlagOutput> outputs, const std::vector<OwnFile>& own) {
  std::vector<std::pair<OutputPlace, std::string>> taken;
  for (const OwnFile& file : own) {
    if (const Result<OutputPlace> place = output_place(file.path)) taken.emplace_back(*place, file.what);
  }
  for (const FlagOutput& output : outputs) {
    ASSIGN_OR_RETURN(OutputPlace place, output_place(output.path));
    const auto same =
        std::ranges::find_if(taken, [&](const auto& earlier) { return are_one_file(earlier.first, place); });
    if (same != taken.end())
      return fail(fmt::format("'{}' is also the file of {}", printable(output.path, 200), same->second),
                  output.flag, "Give each a file of its own.");
    taken.emplace_back(std::move(place), output.flag);
  }
  return {};
}

// Beside a device or a pipe there is no place for the files of the points.
Result<void> check_sweep_exports(const RequestFiles& files) {
  for (const LoadExport& each : files.exports) {
    ASSIGN_OR_RETURN(const OutputPlace place, output_place(each.path));
    if (place.is_special)
      return fail(fmt::format("'{}' is no regular file, and each point of a sweep has a file of its own",
                              printable(each.path, 200)),
                  "--export", "Name a regular file: those of the points are written beside it.");
  }
  return {};
}

}  // namespace

std::span<const OptionSpec> request_file_options() {
  static const OptionSpec options[] = {
      {"--samples", "FILE", "Also write every request, a JSON line each, with the arrival of each chunk.",
       nullptr, "file"},
      {"--csv", "FILE", "Also write every request as a row of a table.", nullptr, "file"},
      {.name = "--export",
       .value = "FORMAT=FILE",
       .help = export_help().c_str(),
       .default_text = nullptr,
       .completes = "export",
       .repeats = true},
  };
  return options;
}

Result<RequestFiles> request_files_of(const ParsedOptions& options, const std::string& report,
                                      std::vector<OwnFile> own) {
  RequestFiles files{.samples = options.value("--samples"), .csv = options.value("--csv"), .exports = {}};
  for (const char* flag : {"--samples", "--csv", "--export"}) {
    if (options.has(flag) && options.has("--capacity") && !options.has("--sweep"))
      return fail("a search for capacity keeps no single requests", flag,
                  "Leave it out, or load at a rate of your own with --request-rate or --sweep.");
  }
  for (const std::string& text : options.values("--export")) {
    ASSIGN_OR_RETURN(LoadExport each, export_of(text));
    files.exports.push_back(std::move(each));
  }
  const std::vector<FlagOutput> outputs = outputs_of(files, report);
  for (const FlagOutput& output : outputs) RETURN_IF_ERROR(check_output(output));
  if (options.has("--out")) {
    for (const std::string& name : files_of_run())
      own.push_back({"the run itself", options.value("--out") + "/" + name});
  }
  RETURN_IF_ERROR(check_apart(outputs, own));
  if (options.has("--sweep")) RETURN_IF_ERROR(check_sweep_exports(files));
  return files;
}

Result<void> write_request_files(Terminal& terminal, const Dossier& dossier, const RequestFiles& files) {
  std::vector<Error> errors;
  const auto note = [&](const Result<void>& written) {
    if (!written) errors.push_back(written.error());
  };
  if (!files.samples.empty()) note(write_samples_jsonl(dossier, files.samples));
  if (!files.csv.empty()) note(write_samples_csv(dossier, files.csv));
  for (const LoadExport& each : files.exports) {
    const Result<std::vector<std::string>> written = write_exports(dossier, *each.format, each.path);
    if (!written) {
      errors.push_back(written.error());
      continue;
    }
    // Which files they are is told where it is not the one that was asked for.
    for (const std::string& path : *written) {
      if (path != each.path) terminal.err(fmt::format("{}: {}\n", each.format->name, printable(path, 4096)));
    }
  }
  if (errors.empty()) return {};
  Error error = std::move(errors.front());
  for (size_t i = 1; i < errors.size(); ++i)
    error.what += fmt::format("; {}: {}", errors[i].where, errors[i].what);
  return std::unexpected(std::move(error));
}

}  // namespace assay
