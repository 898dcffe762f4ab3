// The kinds of targets, one row each: what a scenario writes, what help, validation and `assay list targets`
// say of it, and what the rest of the program asks of a kind.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

class Reader;
struct TargetSpec;

enum class TargetKind { kDevice, kEndpoint, kKit, kFake };

struct TargetKindRow {
  TargetKind kind;
  const char* name;  // "device", as in the scenario's `kind`
  const char* title;
  const char* description;
  const char* example;  // TOML
  bool is_on_device;    // works on a compute device of this machine, which is looked for and examined itself
  bool takes_traffic;   // requests of the load exam can be sent to it
  // What it is called if the scenario does not say.
  std::string (*default_name)(const TargetSpec& target);
  // What its keys say of each other; errors go to `reader`. `table`: where they stand. May be null.
  void (*check)(Reader& reader, const TomlValue& table, const TargetSpec& target);
};

// In the order of the enum.
std::span<const TargetKindRow> target_kinds();
const TargetKindRow& row_of(TargetKind kind);
inline const char* name_of(TargetKind kind) {
  return row_of(kind).name;
}

}  // namespace assay
