// The instrument's calibration on the page.
#include <fmt/format.h>

#include "report/html_parts.h"
#include "report/html_sections.h"
#include "report/instrument.h"

namespace assay {

std::string instrument_html(const Model& model) {
  const InstrumentCheck& check = model.instrument.check;
  if (!check.applies) return "";
  std::string out = "<h3 id=\"instrument\">Instrument</h3>\n";
  if (!check.calibration)
    return out + "<p>Not calibrated on this machine: <code>assay load --calibrate</code></p>\n";
  const CalibrationTable calibration = calibration_table(*check.calibration);
  out += fmt::format(
      "<p>{} Arrival: the stamp of a chunk less the server's own send stamp. TTFT: error of the mean, against the "
      "server's first send. Lag: dispatch lag; emulator: its own lateness; p99.9, or the largest (max) of too few for one. Client: CPU time, of one "
      "core.</p>\n",
      escape_html(calibration_conditions(*check.calibration)));
  HtmlTable table{.caption = "The instrument's own error, by shape of traffic",
                  .columns = {{.title = "traffic", .unit = "", .is_wide = true}},
                  .rows = {}};
  for (const CalibrationTable::Head& head : calibration.heads)
    table.columns.push_back({.title = head.title, .unit = head.unit, .is_number = true});
  for (const CalibrationRow& row : calibration.rows) {
    std::vector<HtmlCell>& cells = table.rows.emplace_back();
    cells.push_back(text_cell(row.name));
    for (const CalibrationValue& value : row.values) {
      HtmlCell cell{.html = calibration_text(value),
                    .sort = value.value ? fmt::format("{}", *value.value) : ""};
      if (row.is_void && value.value) cell.html = fmt::format("<s>{}</s>", cell.html);
      cells.push_back(std::move(cell));
    }
  }
  out += table.html();
  for (const std::string& note : calibration.notes)
    out += fmt::format("<p class=\"small\">⚠ {}</p>\n", prose_html(note));
  if (!check.beyond.empty()) out += fmt::format("<p>⚠ {}</p>\n", prose_html(check.beyond));
  return out;
}

}  // namespace assay
