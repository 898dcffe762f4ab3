// The flags of `assay load` that say how each request is written, as keys of its traffic class.
#pragma once

#include <span>
#include <string>

#include "cli/command.h"
#include "cli/flag_text.h"
#include "workload/workload.h"

namespace assay {

struct RequestChoice {
  const RequestKindRow* kind = nullptr;
  FlagText keys;  // lines of [[traffic]]
};

std::span<const OptionSpec> load_request_flags();
// Errors name the flag.
Result<RequestChoice> request_of_flags(const ParsedOptions& options);

}  // namespace assay
