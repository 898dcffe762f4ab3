// Hardware and tooling on the page.
#include <fmt/format.h>

#include <algorithm>

#include "report/hardware.h"
#include "report/html_parts.h"
#include "report/html_sections.h"

namespace assay {
namespace {

// Escaped, and free to go on in the next line behind each slash of a path or an address.
std::string breakable_html(const std::string& text) {
  std::string out;
  bool is_first = true;
  for (const std::string_view part : split(text, '/')) {
    out += (is_first ? "" : "/<wbr>") + escape_html(part);
    is_first = false;
  }
  return out;
}

std::string host_table_html(const HostTable& table) {
  HtmlTable html{.caption = table.title};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const bool is_wide = std::ranges::find(table.wide, i) != table.wide.end();
    html.columns.push_back({.title = table.columns[i], .is_wide = is_wide});
  }
  for (const std::vector<std::string>& row : table.rows) {
    std::vector<HtmlCell> cells;
    for (const std::string& text : row) cells.push_back({breakable_html(text), text});
    html.rows.push_back(std::move(cells));
  }
  return fmt::format("<h3>{}</h3>\n<p>{}</p>\n", escape_html(table.title), escape_html(table.sentence)) +
         html.html();
}

std::string host_finding_html(const HostFinding& finding) {
  const char* shape = finding.severity == "note" ? "ℹ" : finding.severity == "blocker" ? "■" : "⚠";
  return fmt::format(
      "<li><span class=\"severity {0}\"><span aria-hidden=\"true\">{1}</span> {0}</span> <code>{2}</code><p>{3}</p></li>\n",
      escape_html(finding.severity), shape, escape_html(finding.code), escape_html(finding.text));
}

}  // namespace

std::string hardware_html(const Model& model) {
  const HardwareReport report = make_hardware_report(model.content->run.host);
  if (report.is_empty()) return "";
  std::string out = fmt::format(
      "<section id=\"hardware\" class=\"full\"><h2>Hardware and tooling of the host that ran</h2>\n"
      "<p class=\"lead\">{}</p>\n",
      escape_html(report.lead));
  if (!report.findings.empty()) {
    out += "<ul class=\"findings\">\n";
    for (const HostFinding& finding : report.findings) out += host_finding_html(finding);
    out += "</ul>\n";
  }
  for (const HostTable& table : report.tables) out += host_table_html(table);
  return out + "</section>\n";
}

}  // namespace assay
