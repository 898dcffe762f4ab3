// Assets; see assets.h. The assembler takes the files in as they are: ASSAY_WEB_DIR is where cmake/Web.cmake
// has the bundle made.
#include "report/assets.h"

#define ASSAY_EMBED(symbol, file)                                                                        \
  __asm__(                                                                                               \
      ".pushsection .rodata\n"                                                                           \
      ".global " #symbol "_begin\n.global " #symbol "_end\n" #symbol "_begin:\n.incbin \"" ASSAY_WEB_DIR \
      "/" file "\"\n" #symbol "_end:\n.byte 0\n.popsection\n");                                          \
  extern "C" const char symbol##_begin[], symbol##_end[]

ASSAY_EMBED(assay_report_js, "report.js");
ASSAY_EMBED(assay_report_css, "report.css");
ASSAY_EMBED(assay_report_js_sha256, "report.js.sha256");

namespace assay {

std::string_view report_script() {
  return {assay_report_js_begin, assay_report_js_end};
}
std::string_view report_style() {
  return {assay_report_css_begin, assay_report_css_end};
}
std::string_view report_script_sha256() {
  return {assay_report_js_sha256_begin, assay_report_js_sha256_end};
}

}  // namespace assay
