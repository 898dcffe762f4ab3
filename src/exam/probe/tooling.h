// Tooling by capability: for each vendor of whom anything is here, what of a compiler, profiler, debugger and
// so on is present, what the vendor has but not here, what it has not, and what is unknown. "Not here" never
// means "the vendor lacks it".
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "exam/probe/containers.h"
#include "exam/probe/libraries.h"
#include "exam/probe/python_environments.h"
#include "exam/probe/stack_files.h"
#include "exam/probe/tools.h"

namespace assay {

enum class ToolingState { kPresent, kNotHere, kNone, kUnknown };
std::string_view name_of(ToolingState);  // "present", "not here", "none", "unknown"

struct ToolingRow {
  Capability capability{};
  ToolingState state = ToolingState::kUnknown;
  std::string what;          // that is here, or that the vendor has
  std::string source, date;  // of what the vendor has, or has not
};

struct VendorTooling {
  const VendorProfile* profile = nullptr;
  std::string because;           // why it is looked at: "a card on PCI, the driver iluvatar"
  std::vector<ToolingRow> rows;  // one a capability, in their order
};

// What a vendor is known by on this host.
struct VendorEvidence {
  const VendorProfile* profile = nullptr;
  std::vector<std::string> reasons;  // never empty
};

// By profile, those of whom there is a card (`card_profiles`: ids, one a card), a driver, a device node, a
// folder of its stack, or a library of its own.
std::vector<VendorEvidence> vendors_here(const HostTree& tree, const std::string& sysfs,
                                         const ProfileCatalogue& profiles,
                                         const std::vector<std::string>& card_profiles,
                                         const StackFiles& stacks,
                                         const std::vector<FoundLibrary>& libraries);

std::vector<VendorTooling> make_tooling(const std::vector<VendorEvidence>& vendors,
                                        const std::vector<FoundLibrary>& libraries,
                                        const std::vector<FoundTool>& tools, const ContainerParts& parts);

}  // namespace assay
