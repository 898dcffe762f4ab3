// Files of single requests; see request_files.h.
#include "cli/request_files.h"

#include <fmt/format.h>

#include "os/os.h"

namespace assay {
namespace {

// Made of the table of formats.
const std::string& export_help() {
  static const std::string help = [] {
    std::string text =
        "Also write a result file of another tool, by its own definitions; more than once for more files:";
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

Result<void> check_folder(const char* flag, const std::string& path) {
  if (!path.empty() && list_directory(path))
    return fail(fmt::format("'{}' is a folder", printable(path, 200)), flag, "Name a file in it.");
  if (path.find('/') == std::string::npos) return {};
  if (const std::string folder = parent_directory(path); !list_directory(folder))
    return fail(fmt::format("there is no folder '{}'", printable(folder, 200)), flag, "Make it first.");
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

Result<RequestFiles> request_files_of(const ParsedOptions& options) {
  RequestFiles files{.samples = options.value("--samples"), .csv = options.value("--csv"), .exports = {}};
  RETURN_IF_ERROR(check_folder("--samples", files.samples));
  RETURN_IF_ERROR(check_folder("--csv", files.csv));
  for (const std::string& text : options.values("--export")) {
    ASSIGN_OR_RETURN(LoadExport each, export_of(text));
    RETURN_IF_ERROR(check_folder("--export", each.path));
    files.exports.push_back(std::move(each));
  }
  return files;
}

Result<void> write_request_files(const Dossier& dossier, const RequestFiles& files) {
  if (!files.samples.empty()) RETURN_IF_ERROR(write_samples_jsonl(dossier, files.samples));
  if (!files.csv.empty()) RETURN_IF_ERROR(write_samples_csv(dossier, files.csv));
  for (const LoadExport& each : files.exports) RETURN_IF_ERROR(each.format->write(dossier, each.path));
  return {};
}

}  // namespace assay
