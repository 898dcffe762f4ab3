// Accelerators on PCI: what sysfs says of every processing accelerator and graphics processor of a host, and
// what of it gives rise to doubt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"
#include "evidence/evidence.h"
#include "exam/probe/host_roots.h"

namespace assay {

// A link now, and the most that sysfs says of it.
struct PciLink {
  std::optional<double> speed_gt_per_s, most_speed_gt_per_s;
  std::optional<int> lanes, most_lanes;
};

struct PciAccelerator {
  std::string address;  // "0000:3b:00.0"
  uint16_t vendor_id = 0, device_id = 0;
  std::optional<uint16_t> subsystem_vendor_id, subsystem_id;
  uint16_t class_code = 0;           // 0x0302
  std::string vendor, device;        // of pci.ids; "" where it has no name
  std::string root_complex;          // "pci0000:3a"; "" unknown
  std::vector<std::string> bridges;  // addresses from the root port down to what the device hangs on
  std::string driver, module, driver_version;  // "" none, or unknown
  PciLink link;                                // the device's own
  PciLink slot;                                // of the bridge above it
  std::optional<int> numa_node;                // nothing where the kernel knows none
  std::optional<int> iommu_group;
  std::string iommu_type;                // "DMA", "identity" …; "" unknown
  int64_t memory_bar_bytes = 0;          // the largest window of memory; 0 unknown
  std::optional<int> virtual_functions;  // that are switched on; nothing of what can have none
  std::string physical_function;         // of a virtual function: whose it is

  const VendorProfile* profile = nullptr;  // by PCI vendor, else by driver; null: unknown
  std::vector<const Chip*> chips;          // that the catalogue has under this id

  bool is_virtual() const { return !physical_function.empty(); }
};

struct PciHost {
  std::vector<PciAccelerator> accelerators;  // by address
  int numa_nodes = 0;                        // of the host; 0 unknown
  std::vector<Finding> findings;
};

// What to look at and by what to name it. `pci_ids`: a list of names to prefer; "": the host's own, else this
// machine's.
struct PciPlaces {
  HostRoots roots;
  std::string pci_ids;
  const ChipCatalogue* chips = nullptr;
  const ProfileCatalogue* profiles = nullptr;
};

// 256 accelerators at most. What is not there, or broken, is left out and told of in findings; never fails.
PciHost find_accelerators(const PciPlaces& places);

// What links, drivers and ids give rise to.
void add_pci_findings(PciHost& host);

// "0000:3b:00.0": domain of 4 to 8 hexadecimal digits, bus, device, function.
bool is_pci_address(std::string_view text);

Json pci_json(const PciAccelerator& accelerator);

// What a chip should have of its link to the host, by the catalogue; nothing where no claim tells.
PciLink claimed_link(const std::vector<const Chip*>& chips);

}  // namespace assay
