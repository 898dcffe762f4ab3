// Which chip of the catalogue a device of this host is: by what it calls itself, and by its place on PCI
// where the probe has looked there. Pure.
#pragma once

#include <string>

#include "base/base.h"
#include "catalogue/catalogue.h"

namespace assay {

struct ChipMatch {
  const Chip* chip = nullptr;  // of the catalogue that was asked; null: none, or not known which
  std::string
      because;  // "it calls itself NVIDIA A100-SXM4-40GB"; of none, why a chip that was found is not it
};

// `device` is one of `host["devices"]`: {"description", "memory_bytes", "pci_address"}. A device that is only
// a part of a chip (a slice, a partition), told by its memory, is not that chip: no claim is of it. Where its
// name and its place on PCI say different chips, neither is taken.
ChipMatch chip_of_device(const ChipCatalogue& catalogue, const Json& host, const Json& device);

// Memory that a device of the chip is claimed to have, the least of all claims; 0: unknown.
double claimed_device_memory_bytes(const Chip& chip);

}  // namespace assay
