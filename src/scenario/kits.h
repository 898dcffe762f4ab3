// The kits that assay brings, one row each: what a scenario names, the file that is run, and what help and
// `assay list kits` say of it. Any other kit is a file that the scenario names.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct KitRow {
  const char* name;  // "torch-roofline", as in the scenario's `kit`
  const char* file;  // in the folder of kits
  const char* exam;  // which one it is run for
  const char* title;
  const char* description;
};

std::span<const KitRow> kits();
const KitRow* find_kit(std::string_view name);  // null: none of that name
std::vector<std::string> kit_names();

}  // namespace assay
