// The catalogue of chips: its fields, and how a chip is found by its id, its PCI id or a device's own words.
// The files are read in chip_file.cc.
#include "catalogue/chips.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "catalogue/tensor_types.h"

namespace assay {

std::span<const EmbeddedFile> embedded_chip_files();  // data/chips, by cmake/Embed.cmake

namespace {

constexpr ChipField kFields[] = {
    {"memory_bytes", "memory", "bytes", "device_memory_bytes", false},
    {"memory_bandwidth_gb_per_s", "memory bandwidth", "GB/s", "memory_bandwidth_gb_per_s", false},
    {"matmul_tflop_per_s", "matrix multiplication", "TFLOP/s", "matmul_tflop_per_s", true},
    {"vector_tflop_per_s", "vector units", "TFLOP/s", "", true},
    {"interconnect_gb_per_s", "link between devices", "GB/s", "", false},
    {"pcie_speed_gt_per_s", "PCIe speed", "GT/s", "", false},
    {"pcie_lanes", "PCIe lanes", "lanes", "", false},
    {"tdp_w", "thermal design power", "W", "", false},
    {"devices_per_card", "devices of a card", "devices", "", false},
};

// A hyphen joins: "A100-SXM4-40GB" is one word, and "H20" is none of "H20-3e".
bool is_of_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '-' || byte >= 0x80;
}

// Both in lower case.
bool holds_words(std::string_view text, std::string_view words) {
  if (words.empty()) return false;
  for (size_t at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1)) {
    const size_t end = at + words.size();
    const bool begins = at == 0 || !is_of_word(text[at - 1]);
    const bool ends = end == text.size() || !is_of_word(text[end]);
    if (begins && ends) return true;
  }
  return false;
}

std::vector<std::string> names_of(const Chip& chip) {
  std::vector<std::string> names = {lower(chip.id), lower(chip.name)};
  for (const std::string& alias : chip.aliases) names.push_back(lower(alias));
  return names;
}

// Files of this program: a fault in one is a bug, which the tests of the catalogue find.
ChipCatalogue read_built_in() {
  std::vector<Chip> chips;
  for (const EmbeddedFile& file : embedded_chip_files()) {
    Result<Chip> chip = ChipCatalogue::parse(file.text, file.path);
    CHECK(chip.has_value());
    chips.push_back(std::move(*chip));
  }
  Result<ChipCatalogue> catalogue = ChipCatalogue::make(std::move(chips));
  CHECK(catalogue.has_value());
  return std::move(*catalogue);
}

}  // namespace

std::string_view name_of(Grade grade) {
  constexpr std::array<std::string_view, 3> kNames = {"A", "B", "C"};
  return kNames[static_cast<size_t>(grade)];
}

std::string_view name_of(Basis basis) {
  constexpr std::array<std::string_view, 3> kNames = {"die", "device", "card"};
  return kNames[static_cast<size_t>(basis)];
}

std::span<const ChipField> chip_fields() {
  return kFields;
}

const ChipField* find_chip_field(std::string_view name) {
  const auto found =
      std::ranges::find_if(kFields, [&](const ChipField& field) { return field.name == name; });
  return found == std::end(kFields) ? nullptr : found;
}

std::string value_text(const ChipClaim& claim) {
  constexpr double kGib = 1 << 30;
  if (claim.field->unit == std::string_view("bytes")) return fmt::format("{} GiB", claim.value / kGib);
  std::string_view unit = claim.field->unit;
  if (claim.value == 1 && unit.ends_with('s') && !unit.contains('/')) unit.remove_suffix(1);  // "1 device"
  return fmt::format("{} {}", claim.value, unit);
}

std::string kind_text(const ChipClaim& claim) {
  std::vector<std::string> parts;
  for (const std::string& part : {claim.dtype, claim.sparsity}) {
    if (!part.empty()) parts.push_back(part);
  }
  if (!claim.accumulator.empty()) parts.push_back("accumulated in " + claim.accumulator);
  return join(parts, ", ");
}

std::vector<const ChipField*> Chip::unknown_fields() const {
  std::vector<const ChipField*> unknown;
  for (const ChipField& field : chip_fields()) {
    if (claims_of(field.name).empty()) unknown.push_back(&field);
  }
  return unknown;
}

std::vector<const ChipClaim*> Chip::claims_of(std::string_view field, std::string_view dtype) const {
  std::vector<const ChipClaim*> found;
  for (const ChipClaim& claim : claims) {
    if (claim.field->name == field && (dtype.empty() || claim.dtype == dtype)) found.push_back(&claim);
  }
  return found;
}

const ChipCatalogue& ChipCatalogue::built_in() {
  static const ChipCatalogue catalogue = read_built_in();
  return catalogue;
}

Result<ChipCatalogue> ChipCatalogue::make(std::vector<Chip> chips) {
  std::map<std::string, std::string> owners;  // of a name: the file
  for (const Chip& chip : chips) {
    for (const std::string& name : names_of(chip)) {
      const auto [it, is_new] = owners.emplace(name, chip.file);
      if (is_new || it->second == chip.file) continue;
      return fail(fmt::format("'{}' is also a name of the chip in {}", printable(name, 80), it->second),
                  chip.file,
                  "A device must be known by its name: give each chip ids, names and aliases of its own.");
    }
  }
  ChipCatalogue catalogue;
  std::ranges::sort(chips, {}, &Chip::id);
  const auto twin = std::ranges::adjacent_find(chips, {}, &Chip::id);
  if (twin != chips.end()) {
    return fail(fmt::format("two chips have the id '{}'", printable(twin->id, 80)), twin->file,
                "The id is the name of the chip's file.");
  }
  catalogue.chips_ = std::move(chips);
  return catalogue;
}

const Chip* ChipCatalogue::find(std::string_view id) const {
  const auto found = std::ranges::lower_bound(chips_, id, {}, &Chip::id);
  return found != chips_.end() && found->id == id ? &*found : nullptr;
}

std::vector<const Chip*> ChipCatalogue::by_pci(uint16_t vendor, uint16_t device) const {
  std::vector<const Chip*> found;
  for (const Chip& chip : chips_) {
    const bool has_id = std::ranges::any_of(
        chip.pci_ids, [&](const PciId& id) { return id.vendor == vendor && id.device == device; });
    if (has_id) found.push_back(&chip);
  }
  return found;
}

const Chip* ChipCatalogue::by_device_name(std::string_view description) const {
  const std::string text = lower(description);
  const Chip* best = nullptr;
  size_t longest = 0;
  for (const Chip& chip : chips_) {
    for (const std::string& name : names_of(chip)) {
      if (name.size() > longest && holds_words(text, name)) best = &chip, longest = name.size();
    }
  }
  return best;
}

std::span<const char* const> chip_dtypes() {
  static constexpr const char* kDtypes[] = {"f64", "f32", "tf32", "f16", "bf16",
                                            "fp8", "fp4", "int8", "int4"};
  return kDtypes;
}

std::vector<std::string> claimed_dtypes(std::string_view weights_type) {
  const std::string type = lower(weights_type);
  if (type == "f32") return {"tf32", "f32"};
  if (std::ranges::find(chip_dtypes(), type) != chip_dtypes().end()) return {type};
  if (type == "mxfp4" || type == "nvfp4") return {"fp4", "int8", "f16"};
  const TensorType* block_type = tensor_type_named(weights_type);
  if (block_type != nullptr && block_type->block_values > 1) return {"int8", "f16"};
  return {};
}

}  // namespace assay
