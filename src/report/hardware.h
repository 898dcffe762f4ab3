// The hardware and tooling of the host that ran, as tables that every format writes down alike. Made from
// `run.host` of the dossier alone (docs/formats/dossier.md).
#pragma once

#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

// A table with a sentence above it. Cells are text; "" never stands in one: what is unknown says so.
struct HostTable {
  std::string title;     // "Accelerators"
  std::string sentence;  // what a tired reader needs of it
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> wide;  // columns of words that should not be squeezed
};

struct HostFinding {
  std::string severity, code, text;
};

struct HardwareReport {
  std::string lead;  // one sentence on the whole
  std::vector<HostTable> tables;
  std::vector<HostFinding> findings;  // the gravest first

  bool is_empty() const { return tables.empty(); }
};

// Empty for a host that was not looked at: a dossier of an earlier version, a run against endpoints alone.
HardwareReport make_hardware_report(const Json& host);

// Members of `run.host` that stand there, and need not be shown again as they are.
bool is_in_hardware_report(std::string_view member);

}  // namespace assay
