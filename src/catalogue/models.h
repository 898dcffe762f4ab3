// Models by name: what a scenario writes becomes a checked file on disk, with what it costs to run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/base.h"
#include "catalogue/gguf.h"
#include "catalogue/synthetic.h"
#include "os/os.h"

namespace assay {

struct ModelPlaces {
  std::string bundled_directory;  // where the bundled models lie
  std::string cache_directory;    // where synthetic models are kept; made if it is not there
  int64_t cache_limit_bytes = 0;  // of synthetic models together; 0: none
};

struct ResolvedModel {
  std::string path;
  std::string name;         // short: "smollm2-135m", "synthetic:llama-3.1-8b:q4_k", or the file's name
  std::string description;  // one line for people, with size and type
  int64_t parameters = 0;
  int64_t bytes = 0;  // of the file, or all its parts
  bool is_synthetic = false;
  int64_t weight_bytes_per_token = 0;  // see GgufModel
  int64_t flop_per_token = 0;
  GgufModel model;
  std::shared_ptr<FileDescriptor> in_use;  // keeps a cached model from being evicted while any copy lives
};

// `spec`: "smollm2-135m", "synthetic:SHAPE:TYPE" or the path of a GGUF. Checks the file as read_gguf_model
// does. A synthetic model that is not cached is written, after the least recently used ones that nobody has
// open have made room. Safe to call from several processes at once.
Result<ResolvedModel> resolve_model(std::string_view spec, const ModelPlaces& places,
                                    const WriteProgress& progress);

// Whether `spec` is the path of a file, and no name that assay knows.
bool is_model_file(std::string_view spec);

// Whether `spec` can name a model, without touching the disk: for checking scenarios.
Result<void> check_model_spec(std::string_view spec);

}  // namespace assay
