// The kinds of targets as a table for people: help, validation and `assay list targets` come from it.
#pragma once

#include <span>

namespace assay {

struct TargetKind {
  const char* name;  // "device", as in the scenario's `kind`
  const char* title;
  const char* description;
  const char* example;  // TOML
};

std::span<const TargetKind> target_kinds();

}  // namespace assay
