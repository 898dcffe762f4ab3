// Python environments of a host and the frameworks in them, read from the files that installers leave
// (*.dist-info/METADATA, *.egg-info): no Python is run. A vendor's build of a framework tells itself by its
// local version ("2.1.0+corex.4.0") or its summary.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "os/os.h"

namespace assay {

// The head of METADATA or PKG-INFO (Core metadata specification, packaging.python.org): "" where a field
// lacks.
struct PackageMetadata {
  std::string name, version, summary;
};
PackageMetadata parse_package_metadata(std::string_view text);

struct PythonPackage {
  std::string name, version, role;
  std::string module;                      // to import
  const VendorProfile* profile = nullptr;  // whose build it is; null: nobody's, or not to be told
  std::string because;                     // "its version is tagged corex"; "" where the name says all
};

struct PythonEnvironment {
  std::string interpreter;  // as given, or the environment's own
  std::string version;      // "3.10.12", or "3.10" where only the folder tells; "" unknown
  std::vector<PythonPackage> packages;
  std::string error;  // why nothing could be read; "" it could
};

struct PythonPlaces {
  std::vector<std::string> interpreters;  // given: programs, or folders of environments
  std::string path;                       // as in PATH, for python3
  std::vector<std::string> environments;  // folders of environments that are active: $VIRTUAL_ENV
};

// What was given, and else python3 of PATH and the active environments; each environment once, at most 16.
std::vector<PythonEnvironment> find_python(const HostTree& tree, const ProfileCatalogue& profiles,
                                           const PythonPlaces& places);

}  // namespace assay
