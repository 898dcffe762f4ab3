// Devices and chips; see chip_of_device.h.
#include "exam/chip_of_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay {
namespace {

// What a system keeps of the memory for itself is less than this; a slice is at most half.
constexpr double kLeastShareOfMemory = 0.7;

// "3b:00.0" is "0000:3b:00.0".
std::string full_address(std::string_view address) {
  const std::string text = lower(address);
  return std::ranges::count(text, ':') == 1 ? "0000:" + text : text;
}

const Json* accelerator_of(const Json& host, const Json& device) {
  const std::string address = full_address(device["pci_address"].as_string());
  if (address.empty()) return nullptr;
  for (const Json& accelerator : host["accelerators"].items()) {
    if (full_address(accelerator["address"].as_string()) == address) return &accelerator;
  }
  return nullptr;
}

std::vector<const Chip*> chips_at(const ChipCatalogue& catalogue, const Json& accelerator) {
  std::vector<const Chip*> chips;
  for (const Json& id : accelerator["chips"].items()) {
    if (const Chip* chip = catalogue.find(id.as_string())) chips.push_back(chip);
  }
  return chips;
}

// Of chips that share a PCI id, the one whose memory is the device's.
const Chip* nearest_by_memory(const std::vector<const Chip*>& chips, double memory_bytes) {
  if (chips.size() == 1) return chips.front();
  const Chip* found = nullptr;
  for (const Chip* chip : chips) {
    const double claimed = claimed_device_memory_bytes(*chip);
    if (claimed <= 0 || memory_bytes > claimed || memory_bytes < kLeastShareOfMemory * claimed) continue;
    if (found != nullptr) return nullptr;
    found = chip;
  }
  return found;
}

ChipMatch unless_a_part(ChipMatch match, double memory_bytes) {
  const double claimed = match.chip == nullptr ? 0 : claimed_device_memory_bytes(*match.chip);
  if (claimed <= 0 || memory_bytes <= 0 || memory_bytes >= kLeastShareOfMemory * claimed) return match;
  return {
      nullptr,
      fmt::format("{}, but has {} of the {} that {} is claimed to have: it is a part of one, and no claim is "
                  "of that",
                  match.because, format_bytes(std::llround(memory_bytes)),
                  format_bytes(std::llround(claimed)), match.chip->name)};
}

}  // namespace

double claimed_device_memory_bytes(const Chip& chip) {
  double least = 0;
  for (const ChipClaim* claim : chip.claims_of("memory_bytes")) {
    double bytes = claim->value;
    if (claim->basis == Basis::kDie || (claim->basis == Basis::kCard && chip.devices_per_card == 0)) continue;
    if (claim->basis == Basis::kCard) bytes /= chip.devices_per_card;
    if (least == 0 || bytes < least) least = bytes;
  }
  return least;
}

ChipMatch chip_of_device(const ChipCatalogue& catalogue, const Json& host, const Json& device) {
  const std::string& description = device["description"].as_string();
  const double memory_bytes = device["memory_bytes"].as_number();
  const Chip* by_name = catalogue.by_device_name(description);
  const Json* accelerator = accelerator_of(host, device);
  const std::vector<const Chip*> at_address =
      accelerator == nullptr ? std::vector<const Chip*>() : chips_at(catalogue, *accelerator);
  const bool contradict =
      by_name != nullptr && !at_address.empty() && std::ranges::find(at_address, by_name) == at_address.end();
  if (contradict) {
    return {nullptr,
            fmt::format("it calls itself {}, but what is at {} on PCI is {}", printable(description, 80),
                        printable(device["pci_address"].as_string(), 20), at_address.front()->name)};
  }
  if (by_name != nullptr)
    return unless_a_part({by_name, fmt::format("it calls itself {}", printable(description, 80))},
                         memory_bytes);
  if (at_address.empty()) return {};
  const Chip* chip = nearest_by_memory(at_address, memory_bytes);
  if (chip == nullptr)
    return {nullptr, "several chips have its PCI id, and its memory does not tell which it is"};
  return unless_a_part(
      {chip, fmt::format("its PCI id is {}:{}", printable((*accelerator)["vendor_id"].as_string(), 8),
                         printable((*accelerator)["device_id"].as_string(), 8))},
      memory_bytes);
}

}  // namespace assay
