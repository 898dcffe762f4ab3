// The small parts of the page: text, tags, values that lead to their record, tables. Everything foreign is
// escaped here.
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
  bool is_wide = false;  // words that should not be squeezed
};

struct HtmlTable {
  std::string caption;    // for those who hear the page
  bool is_dense = false;  // many figures a row: intervals stand under their values
  std::vector<HtmlColumn> columns;
  std::vector<std::vector<HtmlCell>> rows;

  std::string html() const;  // "" without rows
};

// A sentence for people, escaped; what it sets between backticks is code. One without a partner stays as it
// is.
std::string prose_html(std::string_view text);

HtmlCell text_cell(std::string_view text);
HtmlCell number_cell(double value);
HtmlCell count_cell(int64_t value);  // 0 is "not a statistic": a dash

// "✓ yes", "✗ no", "○ not examined": the shape, the word and, beyond both, the colour.
std::string answer_html(Answer answer);
// The small tag of a class of evidence; "" for measured, which needs none.
std::string class_tag(EvidenceClass evidence_class);

// A value with its interval, linked to its record; doubtful with the finding, void struck through, unknown in
// words. Null reads "— unknown". The unit is left to the column's head.
std::string value_html(const Model& model, const Record* record);
HtmlCell value_cell(const Model& model, const Record* record);
// Conditions that all records share, and those of one beyond them.
Json shared_conditions(const std::vector<const Record*>& records);
std::string own_conditions(const Record& record, const Json& shared);
// Records as links: "r12 r13".
std::string record_links(const std::vector<int64_t>& ids);

// A place for a chart, with the sentence above it as its title and a line of small print below.
std::string chart_html(std::string_view id, std::string_view kind, std::string_view sentence,
                       std::string_view small_print);

// Members of a JSON object as a two-column list, nested ones with dotted names; bounded.
std::string details_html(const Json& value);

}  // namespace assay
