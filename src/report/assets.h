// Assets: the script and style of the page, bundled from web/ at build time and part of the program.
#pragma once

#include <string_view>

namespace assay {

std::string_view report_script();
std::string_view report_style();
std::string_view report_script_sha256();  // base64, for the page's content security policy

}  // namespace assay
