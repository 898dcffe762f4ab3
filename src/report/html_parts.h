// The small parts of the page: text, tags, values that lead to their record, tables. Everything foreign is escaped here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "report/model.h"

namespace assay {

// A cell of a table: ready HTML, and what the column sorts by (a number as text, or the text itself).
struct HtmlCell {
  std::string html;
  std::string sort;
};

struct HtmlColumn {
  std::string title;
  std::string unit;
  bool is_number = false;
};

struct HtmlTable {
  std::string caption;   // for those who hear the page
  std::vector<HtmlColumn> columns;
  std::vector<std::vector<HtmlCell>> rows;

  std::string html() const;   // "" without rows
};

HtmlCell text_cell(std::string_view text);
HtmlCell number_cell(double value);
HtmlCell count_cell(int64_t value);

// "✓ yes", "✗ no", "○ not examined": the shape, the word and, beyond both, the colour.
std::string answer_html(Answer answer);
// The small tag of a class of evidence; "" for measured, which needs none.
std::string class_tag(EvidenceClass evidence_class);

// A value with its interval, linked to its record; doubtful with the finding, void struck through, unknown in words.
// Null reads "— unknown". The unit is left to the column's head.
std::string value_html(const Model& model, const Record* record);
HtmlCell value_cell(const Model& model, const Record* record);
// "12 records" as links: "r12 r13".
std::string record_links(const std::vector<int64_t>& ids);

// A place for a chart, with the sentence above it as its title and a line of small print below.
std::string chart_html(std::string_view id, std::string_view kind, std::string_view sentence, std::string_view small_print);

// Members of a JSON object as a two-column list, nested ones with dotted names; bounded.
std::string details_html(const Json& value);

}  // namespace assay
