// What tensors may be; see request_options.h.
#include "workload/request_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

std::vector<std::string> tensor_datatypes() {
  return {"BOOL",  "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16",
          "INT32", "INT64", "FP16",   "FP32",   "FP64",   "BYTES"};
}

std::string tensor_problem(const TensorSpec& tensor) {
  if (tensor.name.empty()) return "it has no name";
  const std::vector<std::string> known = tensor_datatypes();
  if (std::ranges::find(known, tensor.datatype) == known.end()) {
    return fmt::format("unknown datatype '{}'; it is one of {}.{}", printable(tensor.datatype, 60),
                       join(known, ", "), suggestion(tensor.datatype, known));
  }
  if (tensor.shape.empty() || tensor.shape.size() > 8) return "its shape must have 1 to 8 extents";
  int64_t elements = 1;
  for (const int64_t extent : tensor.shape) {
    if (extent == 0 || extent < -1 || extent > kMaxTensorElements)
      return fmt::format("{} is no extent: each is −1 or lies between 1 and {}", extent, kMaxTensorElements);
    if (extent > 0) elements *= extent;
    if (elements > kMaxTensorElements) return fmt::format("it has more than {} elements", kMaxTensorElements);
  }
  return "";
}

}  // namespace assay
