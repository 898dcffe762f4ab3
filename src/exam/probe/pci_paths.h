// Paths between accelerators, named as `nvidia-smi topo -m` names them, by the bridges that sysfs shows
// between them: the same on any vendor's cards.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "exam/probe/pci.h"

namespace assay {

// What lies between two cards, the nearest first. One PCIe switch or bridge; several, without a host bridge
// between; a host bridge; the connection of host bridges within a NUMA node; that between NUMA nodes. (Legend
// of nvidia-smi topo; NVML's nvmlGpuTopologyLevel_t.)
enum class PathKind { kPix, kPxb, kPhb, kNode, kSys };
std::string_view name_of(PathKind);  // "PIX"

struct CardPath {
  std::string from, to;  // addresses; `from` is the lesser
  PathKind kind{};
  std::optional<bool> peer_access;  // as the vendor's driver tells; nothing where nobody was asked
};

// Nothing where sysfs does not show where they hang, or where two host bridges do not tell their NUMA nodes
// on a host that has several.
std::optional<PathKind> path_between(const PciAccelerator& a, const PciAccelerator& b, int numa_nodes);

// Of every two cards, virtual functions left out; of 64 cards at most.
std::vector<CardPath> card_paths(const PciHost& host);

// Which cards of AMD reach which others' memory, as pairs of addresses, by the kernel's topology of its
// compute driver (class/kfd/kfd/topology: io_links and p2p_links of each node). A pair that is not there is
// unknown: older kernels leave out links over PCI.
std::set<std::pair<std::string, std::string>> kfd_peer_access(const std::string& sysfs);

Json paths_json(const std::vector<CardPath>& paths);

}  // namespace assay
