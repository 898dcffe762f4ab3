// The hardware half of a probe: accelerators on PCI, paths between them, IOMMU, power sensors, management
// libraries, and what of it gives rise to findings.
#pragma once

#include <functional>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/exam.h"
#include "exam/probe/management.h"
#include "exam/probe/pci.h"

namespace assay {

// One thread only.
class HardwareProbe {
 public:
  // Reads sysfs, and starts the children that ask management libraries where `probe` wants them asked: they
  // run while others look at other things.
  explicit HardwareProbe(const HostProbe& probe);

  // The members accelerators and iommu of `host`, which need nobody's answer.
  void add_cards(Json& host) const;
  // Waits for the children as long as they may take, and adds the members paths, power_sensors and
  // management, and what all of it gives rise to.
  void finish(Json& host, std::vector<Finding>& findings, const std::function<bool()>& interrupted);

 private:
  Json paths(const std::vector<ManagementOutcome>& outcomes) const;
  Json iommu() const;
  Json power_sensors(const std::vector<ManagementOutcome>& outcomes) const;

  const HostProbe& probe_;
  PciHost pci_;
  ManagementProbe management_;
};

}  // namespace assay
