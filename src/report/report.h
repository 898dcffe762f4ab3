// The front door of report: one dossier as a page, as Markdown, as JSON, and as the lines that end a run on a
// terminal. All four are rendered from the dossier alone and say the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"

namespace assay {

// One self-contained HTML page. It requests nothing, its text and tables need no script, and whatever the
// dossier says is escaped. Errors are those of reading the dossier. Safe to call from any thread that owns
// `dossier`.
Result<std::string> render_html(const Dossier& dossier);

// The same content as Markdown for tickets and pull requests, without charts.
Result<std::string> render_markdown(const Dossier& dossier);

// The same content for programs, with all raw samples; docs/formats/report.md says what stands where.
Result<std::string> render_json(const Dossier& dossier);

// What ends a run on a terminal.
struct TerminalOptions {
  size_t width = 80;                    // columns; below 80 it is 80. No line is wider
  bool colour = false;                  // ANSI colours; they add nothing that the words don't say
  std::string dossier_path;             // empty: no such line
  std::string report_path;              // empty: no such line
  std::string next_command;             // the one command to do next; empty: no such line
  int exit_code = 0;                    // of the command that shows this
  std::vector<std::string> shortfalls;  // why it is not 0; empty: no such lines
};
// The eight answers, the instrument's line, the findings that weigh and the paths; before them, of a run
// whose every trial is a load, its table. Ends with a line feed.
std::string render_terminal_summary(const DossierContent& content, const TerminalOptions& options);

// The last part of it: the findings that weigh and the paths.
std::string render_findings_and_paths(const DossierContent& content, const TerminalOptions& options);
// Why an evaluation is not what was asked for, a phrase each: trials that failed, limits and requirements
// that are not met, results that are void. Empty: all is. `asks_by_questions`: a question that is
// answered with no is one of them; else only requirements are.
std::vector<std::string> shortfalls(const DossierContent& content, bool asks_by_questions);
// What a run of load trials measured, class by class, for a terminal: percentiles with intervals, rates,
// failures, and the instrument's line. Columns are as wide as their widest cell; below `width` columns (at
// least 80) intervals stand on a line of their own.
std::string render_load_table(const DossierContent& content, size_t width = 80);
// What `assay load --calibrate` prints: the instrument's error by shape of traffic.
std::string render_calibration(const InstrumentCalibration& calibration);

}  // namespace assay
