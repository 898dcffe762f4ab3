// The rows of the command table: each subcommand's file defines one.
#pragma once

#include "cli/command.h"

namespace assay {

Command run_command();
Command load_command();
Command probe_command();
Command emulate_command();
Command report_command();
Command list_command();
Command show_command();
Command help_command();

}  // namespace assay
