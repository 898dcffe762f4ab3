// Reading the topology through hwloc; see topology.h. Devices are left out: looking for them costs most of
// the time.
#include "exam/probe/topology.h"

#include <hwloc.h>

#include <algorithm>
#include <memory>

namespace assay {
namespace {

struct Destroy {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using TopologyHandle = std::unique_ptr<hwloc_topology, Destroy>;

std::string kind_of(hwloc_obj_cache_type_t type) {
  if (type == HWLOC_OBJ_CACHE_DATA) return "data";
  return type == HWLOC_OBJ_CACHE_INSTRUCTION ? "instruction" : "unified";
}

int64_t count(hwloc_topology_t topology, hwloc_obj_type_t type) {
  return std::max(0, hwloc_get_nbobjs_by_type(topology, type));
}

std::vector<CacheLevel> read_caches(hwloc_topology_t topology) {
  constexpr hwloc_obj_type_t kTypes[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE,
                                         HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE,  HWLOC_OBJ_L5CACHE};
  std::vector<CacheLevel> caches;
  for (const hwloc_obj_type_t type : kTypes) {
    const hwloc_obj_t first = hwloc_get_obj_by_type(topology, type, 0);
    if (first == nullptr) continue;
    const auto& cache = first->attr->cache;
    caches.push_back({static_cast<int>(cache.depth), kind_of(cache.type), static_cast<int64_t>(cache.size),
                      count(topology, type)});
  }
  return caches;
}

}  // namespace

Result<Topology> read_topology() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return fail("hwloc could not start", "hwloc");
  const TopologyHandle topology(raw);
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (hwloc_topology_load(raw) != 0) return fail("hwloc could not read this host's topology", "/sys");
  Topology result;
  result.packages = count(raw, HWLOC_OBJ_PACKAGE);
  result.cores = count(raw, HWLOC_OBJ_CORE);
  result.threads = count(raw, HWLOC_OBJ_PU);
  result.numa_nodes = count(raw, HWLOC_OBJ_NUMANODE);
  result.caches = read_caches(raw);
  return result;
}

}  // namespace assay
