// The hardware and tooling of the sample's host: cards of three vendors, clones beside originals, every state
// of tooling, readings, findings. Made up.
#pragma once

#include <functional>
#include <string>

#include "base/base.h"

namespace assay {

// Adds its members to `host`; each text passes through `text` first.
void add_sample_hardware(const std::function<std::string(std::string)>& text, Json& host);

}  // namespace assay
