// run_kit: a kit under watch, from its start to the end of everything that it started. What it says goes
// through KitLines; docs/formats/kit.md has the limits and what passing them means.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "target/end_cause.h"
#include "target/kit_lines.h"

namespace assay {

struct KitCommand {
  std::vector<std::string> command;  // command[0] is a path, or a name that PATH of `environment` has
  std::vector<std::pair<std::string, std::string>> environment;  // the whole environment of the kit
  std::vector<std::string> secrets;  // values in it that are hidden in what the kit says
};

struct KitLimits {
  Nanos time = nanos_from_seconds(600);     // in all
  Nanos silence = nanos_from_seconds(300);  // on stdout and stderr
  Nanos ending = nanos_from_seconds(10);    // from done, or from the end of stdout, to the end
  KitLineLimits lines;
};

// How a kit ended, and what it said beside its lines.
struct KitEnd {
  EndCause cause = EndCause::kNone;  // kNone: it said done and ended with 0
  Error error;                       // what `cause` means here, with the kit's last words
  std::optional<KitHello> hello;
  bool is_absent = false;
  std::string absent_reason;
  KitRemarks remarks;
  TreeRemains remains;       // processes that it left behind, and that were killed
  std::string other_output;  // stdout outside the protocol, its first 64 KiB
  std::string diagnostics;   // stderr, its last 64 KiB

  bool done() const { return cause == EndCause::kNone; }
};

// Runs a kit and hands its lines to `take` as they come. `interrupted` is asked ten times a second; empty:
// never. Whatever the kit does is told by the KitEnd; when it returns nothing runs that the kit has started,
// but for what tree_keeper.h cannot see.
KitEnd run_kit(const KitCommand& kit, const KitLimits& limits, Clock& clock, const TakeKitLine& take,
               const std::function<bool()>& interrupted);

}  // namespace assay
