// OutputPlace: where an output that somebody has named goes. A file is replaced once the new one is whole;
// what is no file, a device or a pipe, must be written as it is: nothing can take its place.
#pragma once

#include <string>

#include "base/base.h"
#include "os/files.h"

namespace assay {

struct OutputPlace {
  std::string path;         // links at its end followed; a file need not be there yet
  bool is_special = false;  // no regular file: a device, a pipe, an open descriptor of this process
};

// Fails for a folder, and where the path leads nowhere.
Result<OutputPlace> output_place(const std::string& path);
// Opens what is special, for writing. Waits until somebody reads a pipe; a signal ends that. An own
// descriptor (/dev/stdout, /dev/fd/63) is shared: what went through it before stays.
Result<FileDescriptor> open_special(const OutputPlace& place);
// Whether it could be written, as far as can be told without a trace: a temporary file is made beside a
// regular one and removed again; a pipe is not opened, since its reader would take that for the end.
Result<void> try_output(const std::string& path);
// Whether one would replace the other.
bool are_one_file(const OutputPlace& a, const OutputPlace& b);

}  // namespace assay
