// EmbeddedFile: a file of data/ as part of the program; cmake/Embed.cmake puts it there.
#pragma once

#include <string_view>

namespace assay {

struct EmbeddedFile {
  std::string_view path;  // from the root of the sources: "data/chips/nvidia-a100.toml"
  std::string_view text;
};

}  // namespace assay
