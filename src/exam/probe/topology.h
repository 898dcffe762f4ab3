// Cores, caches and memory nodes of this host, as far as this process may use them. The only user of hwloc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/base.h"

namespace assay {

struct CacheLevel {
  int level = 0;           // 1 … 5
  std::string kind;        // "data", "instruction", "unified"
  int64_t size_bytes = 0;  // of one
  int64_t count = 0;
};

struct Topology {
  int64_t packages = 0, cores = 0, threads = 0, numa_nodes = 0;
  std::vector<CacheLevel> caches;
};

Result<Topology> read_topology();

}  // namespace assay
