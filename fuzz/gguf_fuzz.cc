// Fuzzes the GGUF reader: whatever the bytes, it ends soon, in a file whose tensors lie within the bytes or
// in an error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/base.h"
#include "catalogue/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = assay::parse_gguf(bytes, "fuzz.gguf");
  if (!file) {
    CHECK(!file.error().what.empty());
    return 0;
  }
  for (const assay::GgufTensor& tensor : file->tensors) {
    CHECK(tensor.offset <= size && tensor.bytes <= size - tensor.offset);
    CHECK(tensor.elements() > 0);
  }
  const auto model = assay::describe_gguf(bytes, *file, "fuzz.gguf");
  if (model) CHECK(model->parameters >= 0 && model->weight_bytes <= static_cast<int64_t>(size));
  return 0;
}
