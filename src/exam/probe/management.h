// The management libraries of a host: where they lie, by the vendors' profiles, and what they say when they
// are asked, each in a child process of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "exam/probe/host_roots.h"
#include "exam/probe/pci.h"
#include "measure/measure.h"

namespace assay {

// Libraries with NVML's functions (ProfileLibrary::is_nvml), the first of each name: in the folders of the
// profile, in those of `library_path` (as in LD_LIBRARY_PATH; on this machine only), in the loader's. In the
// order of the profiles, 16 at most; not what merely has the name (ProfileLibrary::proof). Nothing is loaded.
std::vector<ManagementLibrary> find_management_libraries(const HostRoots& roots,
                                                         const ProfileCatalogue& profiles,
                                                         std::string_view library_path, const PciHost& pci);
// Those of vendors who have a card on PCI.
std::vector<ManagementLibrary> libraries_of_cards(std::vector<ManagementLibrary> libraries,
                                                  const PciHost& pci);

// What one library said, or why not.
struct ManagementOutcome {
  ManagementLibrary library;
  Result<ManagementReading> reading = fail("not asked");
  bool was_asked = false;
  std::string printed;  // what it printed meanwhile; "" nothing
};

// One thread only.
class ManagementProbe {
 public:
  // Starts a child for each library and does not wait. An empty command of `access`: none is asked. What is
  // no library for this processor is not even loaded.
  ManagementProbe(const ManagementAccess& access, const std::vector<ManagementLibrary>& libraries);
  // Waits until kManagementPatience after the start at most, and ends the children.
  std::vector<ManagementOutcome> finish(const std::function<bool()>& interrupted);

 private:
  std::vector<ManagementOutcome> outcomes_;
  std::vector<ManagementChild> children_;
  std::vector<size_t> outcome_of_;  // of each child
  Nanos deadline_{};
};

// Both name files as the host of `roots` names them.
Json management_json(const std::vector<ManagementOutcome>& outcomes, const HostRoots& roots);
// Libraries that failed, printed or told what cannot be; cards that they do not know, memory errors, brakes.
std::vector<Finding> management_findings(const std::vector<ManagementOutcome>& outcomes,
                                         const HostRoots& roots, const PciHost& pci);

}  // namespace assay
