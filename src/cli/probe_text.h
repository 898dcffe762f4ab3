// The host that `assay probe` found, as text for a terminal of 80 columns.
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

// "  LABEL           value", one fact a line.
std::string probe_fact(std::string_view label, const std::string& value);

// The whole of it.
std::string host_text(const Json& host);
// Parts of it: accelerators, paths between them, IOMMU, power sensors, management libraries; and what the
// probe found odd. "" of what was not looked at.
std::string hardware_text(const Json& host);
// Stacks, run-time libraries, tools, tooling by capability, Python environments, containers; "" likewise.
std::string software_text(const Json& host);
std::string probe_findings_text(const Json& host);

}  // namespace assay
