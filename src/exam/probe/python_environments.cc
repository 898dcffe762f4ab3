// Site folders and what lies in them; see python_environments.h.
#include "exam/probe/python_environments.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "exam/probe/vendor_marks.h"

namespace assay {
namespace {

constexpr size_t kMostEnvironments = 16, kMostSiteFolders = 24, kMostSiteEntries = 20'000;
constexpr size_t kMostMetadataBytes = 64 << 10, kMostPythonPackages = 200, kMostPythonTextBytes = 120;
constexpr const char* kUsualPythonPath = "/usr/local/bin:/usr/bin:/bin";

// PEP 503: runs of "-", "_" and "." are one dash, letters are small.
std::string normalised(std::string_view name) {
  std::string out;
  for (const char c : lower(name)) {
    const bool is_dash = c == '-' || c == '_' || c == '.';
    if (is_dash && out.ends_with('-')) continue;
    out += is_dash ? '-' : c;
  }
  return out;
}

struct PackageRow {
  const VendorProfile* profile;
  const ProfilePackage* package;
};
using PackageRows = std::map<std::string, PackageRow, std::less<>>;  // by normalised name

PackageRows package_rows(const ProfileCatalogue& profiles) {
  PackageRows rows;
  for (const VendorProfile& profile : profiles.profiles()) {
    for (const ProfilePackage& package : profile.packages)
      rows.emplace(normalised(package.name), PackageRow{&profile, &package});
  }
  return rows;
}

// "corex" of "2.1.0+corex.4.0", where some vendor's builds are tagged so.
const VendorProfile* tagged_vendor(std::string_view version, const ProfileCatalogue& profiles,
                                   std::string& tag) {
  const size_t plus = version.find('+');
  if (plus == std::string_view::npos) return nullptr;
  std::string local = lower(version.substr(plus + 1));
  std::ranges::replace_if(local, [](char c) { return c == '-' || c == '_'; }, '.');
  for (const std::string_view word : split(local, '.')) {
    const size_t letters = std::min(word.find_first_of("0123456789"), word.size());
    for (const VendorProfile& profile : profiles.profiles()) {
      const auto found = std::ranges::find(profile.version_tags, word.substr(0, letters));
      if (found == profile.version_tags.end()) continue;
      tag = word;
      return &profile;
    }
  }
  return nullptr;
}

class PythonSearch {
 public:
  PythonSearch(const HostTree& tree, const ProfileCatalogue& profiles)
      : tree_(tree), profiles_(profiles), rows_(package_rows(profiles)), marks_(profiles) {}

  // `place`: an interpreter, or the folder of an environment.
  void take(const std::string& place, bool was_asked_for) {
    if (out_.size() >= kMostEnvironments) return;
    PythonEnvironment environment;
    environment.interpreter = printable(place, 500);
    std::string prefix;
    if (!place.starts_with('/')) {
      environment.error = "is no absolute path";
    } else if (tree_.is_folder(place)) {
      prefix = place;
      for (const char* name : {"/bin/python3", "/bin/python"}) {
        if (!tree_.is_program(place + name)) continue;
        environment.interpreter = printable(place + name, 500);
        break;
      }
    } else if (tree_.is_program(place)) {
      prefix = parent_directory(parent_directory(place));
    } else {
      environment.error = "there is no such program or folder";
    }
    if (!environment.error.empty()) {
      if (was_asked_for) out_.push_back(std::move(environment));
      return;
    }
    if (!seen_.insert(std::pair(prefix, tree_.resolve(environment.interpreter).value_or(""))).second) return;
    read(prefix, environment);
    out_.push_back(std::move(environment));
  }

  std::vector<PythonEnvironment> result() { return std::move(out_); }

 private:
  void read(const std::string& prefix, PythonEnvironment& environment) {
    std::vector<std::string> prefixes = {prefix};
    const std::string configuration = tree_.head(prefix + "/pyvenv.cfg", 16 << 10).value_or("");
    bool sees_system = false;
    for (const std::string_view line : split(configuration, '\n')) {
      const size_t equals = line.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = trim(line.substr(0, equals)), value = trim(line.substr(equals + 1));
      if (key == "version" || (key == "version_info" && environment.version.empty()))
        environment.version = first_python_version(value);
      if (key == "include-system-site-packages") sees_system = lower(value) == "true";
      if (key == "home" && value.starts_with('/')) prefixes.push_back(parent_directory(std::string(value)));
    }
    if (!sees_system) prefixes.resize(1);
    std::string minor = minor_of(environment.version);
    if (minor.empty()) minor = minor_of_program(environment.interpreter);
    std::set<std::string> folders;
    for (const std::string& each : prefixes) read_prefix(each, minor, folders, environment);
    if (environment.version.empty()) environment.version = minor;
    std::ranges::sort(environment.packages, {}, &PythonPackage::name);
  }

  static std::string first_python_version(std::string_view text) {
    const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    return std::string(text.substr(0, std::min<size_t>(end, 20)));
  }

  // "3.10" of "3.10.12".
  static std::string minor_of(std::string_view version) {
    const size_t dot = version.find('.');
    if (dot == std::string_view::npos) return "";
    return std::string(version.substr(0, version.find('.', dot + 1)));
  }

  // "3.11" where python3 is a link to python3.11.
  std::string minor_of_program(const std::string& interpreter) const {
    const std::string name = file_name(tree_.resolve(interpreter).value_or(""));
    constexpr std::string_view kPython = "python";
    if (!name.starts_with(kPython)) return "";
    const std::string version = first_python_version(std::string_view(name).substr(kPython.size()));
    return version.find('.') == std::string::npos ? "" : version;
  }

  void read_prefix(const std::string& prefix, const std::string& minor, std::set<std::string>& folders,
                   PythonEnvironment& environment) {
    const std::string versioned = minor.empty() ? "python3*" : "python" + minor;
    std::vector<std::string> patterns;
    for (const char* lib : {"lib", "lib64", "local/lib"}) {
      for (const char* site : {"site-packages", "dist-packages"}) {
        patterns.push_back(fmt::format("{}/{}/{}/{}", prefix, lib, versioned, site));
        if (prefix == "/usr") patterns.push_back(fmt::format("{}/{}/python3/{}", prefix, lib, site));
      }
    }
    for (const std::string& pattern : patterns) {
      for (const std::string& folder : tree_.expand(pattern, 8)) {
        const std::optional<std::string> real = tree_.resolve(folder);
        if (!real || folders.size() >= kMostSiteFolders || !folders.insert(*real).second) continue;
        read_site(*real, environment);
      }
    }
  }

  void read_site(const std::string& folder, PythonEnvironment& environment) {
    for (const HostEntry& entry : tree_.list(folder, kMostSiteEntries)) {
      const bool is_wheel = entry.name.ends_with(".dist-info"), is_egg = entry.name.ends_with(".egg-info");
      if (!is_wheel && !is_egg) continue;
      const std::string_view stem = std::string_view(entry.name).substr(0, entry.name.rfind('.'));
      const auto row = rows_.find(normalised(stem.substr(0, stem.find('-'))));
      if (row == rows_.end() || environment.packages.size() >= kMostPythonPackages) continue;
      const std::string path = fmt::format("{}/{}", folder, entry.name);
      const char* file = is_wheel ? "/METADATA" : entry.kind == EntryKind::kFolder ? "/PKG-INFO" : "";
      PackageMetadata metadata =
          parse_package_metadata(tree_.head(path + file, kMostMetadataBytes).value_or(""));
      if (metadata.version.empty() && stem.find('-') != std::string_view::npos)
        metadata.version = printable(stem.substr(stem.find('-') + 1), kMostPythonTextBytes);
      add(row->second, metadata, environment);
    }
  }

  void add(const PackageRow& row, const PackageMetadata& metadata, PythonEnvironment& environment) const {
    PythonPackage package;
    package.name = metadata.name.empty() ? row.package->name : metadata.name;
    package.version = metadata.version;
    package.role = row.package->role;
    package.module = row.package->module;
    if (!row.profile->is_neutral) package.profile = row.profile;
    if (package.profile == nullptr) {
      std::string tag;
      package.profile = tagged_vendor(metadata.version, profiles_, tag);
      if (package.profile != nullptr)
        package.because = fmt::format("its version is tagged {}", printable(tag, 40));
    }
    if (package.profile == nullptr) {
      const std::vector<VendorMark> marks = marks_.find(metadata.summary);
      if (marks.size() == 1) {
        package.profile = marks.front().profile;
        package.because = fmt::format("its summary names {}", marks.front().word);
      }
    }
    // The first on the path is the one that is imported.
    const bool is_double = std::ranges::any_of(environment.packages, [&](const PythonPackage& other) {
      return normalised(other.name) == normalised(package.name);
    });
    if (!is_double) environment.packages.push_back(std::move(package));
  }

  const HostTree& tree_;
  const ProfileCatalogue& profiles_;
  PackageRows rows_;
  VendorMarks marks_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::vector<PythonEnvironment> out_;
};

}  // namespace

PackageMetadata parse_package_metadata(std::string_view text) {
  PackageMetadata metadata;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) break;  // the description follows
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    const std::string value = printable(trim(line.substr(colon + 1)), kMostPythonTextBytes);
    if (key == "Name" && metadata.name.empty()) metadata.name = value;
    if (key == "Version" && metadata.version.empty()) metadata.version = value;
    if (key == "Summary" && metadata.summary.empty()) metadata.summary = value;
  }
  return metadata;
}

std::vector<PythonEnvironment> find_python(const HostTree& tree, const ProfileCatalogue& profiles,
                                           const PythonPlaces& places) {
  PythonSearch search(tree, profiles);
  for (const std::string& place : places.interpreters) search.take(place, true);
  if (!places.interpreters.empty()) return search.result();
  for (const std::string& folder : places.environments) search.take(folder, false);
  const std::string path = places.path.empty() ? std::string(kUsualPythonPath) : places.path;
  for (const std::string_view folder : split(path, ':')) {
    const std::string python = fmt::format("{}/python3", folder);
    if (!folder.starts_with('/') || !tree.is_program(python)) continue;
    search.take(python, false);
    break;
  }
  return search.result();
}

}  // namespace assay
