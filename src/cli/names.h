// The named things that `assay list` and `assay show` know: exams, targets, requests, metrics, shapes,
// faults, chips. One row a kind of thing.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

struct NamedThing {
  std::string name;
  std::string title;                      // one line
  std::string text;                       // in full, for `show`
  Json json;                              // the same for programs
  std::vector<std::string> aliases = {};  // by which `show` finds it, too, in any case
};

struct NamedKind {
  const char* plural;  // "exams"
  const char* title;
  std::vector<NamedThing> (*things)();
};

std::span<const NamedKind> named_kinds();

}  // namespace assay
