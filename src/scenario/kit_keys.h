// Keys of kit targets that take more than a line to read.
#pragma once

#include "scenario/reader.h"
#include "scenario/scenario.h"

namespace assay {

// The name of a kit, or the path of a file, which must be there.
void read_kit(Reader& reader, const TomlMember& member, KitSpec& out);
// A path, or a name that is looked for in PATH when the kit is run.
void read_python(Reader& reader, const TomlMember& member, KitSpec& out);
void read_kit_arguments(Reader& reader, const TomlMember& member, KitSpec& out);
// A table of texts, numbers and booleans.
void read_kit_parameters(Reader& reader, const TomlMember& member, KitSpec& out);

}  // namespace assay
