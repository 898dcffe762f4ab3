// The small parts of the page; see html_parts.h.
#include "report/html_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/values.h"

namespace assay {
namespace {

constexpr size_t kMostDetails = 200;  // rows of one list
constexpr int kDeepestDetails = 6;

// The unit of a column stands in its head. Sorting takes the stored value.
std::string sort_key(const Record* record) {
  const std::optional<double> value = record == nullptr ? std::nullopt : value_of(*record);
  if (!value) return "";
  return std::isinf(*value) ? "Infinity" : fmt::format("{:.9g}", *value);
}

std::string doubt_html(const Model& model, const Record& record) {
  if (record.validity != Validity::kDoubtful && record.validity != Validity::kVoid) return "";
  const Finding* finding = model.doubt_about(record);
  const char* word = record.validity == Validity::kVoid ? "void" : "doubtful";
  if (finding == nullptr) return fmt::format(" <span class=\"doubt\">⚠&nbsp;{}</span>", word);
  return fmt::format(" <a class=\"doubt\" href=\"#f{}\" title=\"{}\">⚠&nbsp;{}</a>", finding->id,
                     escape_html(finding->text), word);
}

void add_details(const std::string& name, const Json& value, int depth,
                 std::vector<std::pair<std::string, std::string>>& rows) {
  if (rows.size() >= kMostDetails) return;
  const auto dotted = [&](std::string_view key) {
    return name.empty() ? std::string(key) : fmt::format("{}.{}", name, key);
  };
  const bool is_nested = depth < kDeepestDetails && (value.is_object() || value.is_array());
  if (!is_nested) {
    rows.emplace_back(name, scalar_text(value));
    return;
  }
  bool is_flat_list = value.is_array();
  for (const Json& item : value.items()) is_flat_list = is_flat_list && !item.is_object() && !item.is_array();
  if (is_flat_list) {
    std::vector<std::string> words;
    for (const Json& item : value.items()) words.push_back(scalar_text(item));
    rows.emplace_back(name, join(words, ", "));
    return;
  }
  for (const auto& [key, member] : value.members()) add_details(dotted(key), member, depth + 1, rows);
  for (size_t i = 0; i < value.items().size(); ++i)
    add_details(dotted(std::to_string(i)), value.items()[i], depth + 1, rows);
}

}  // namespace

std::string HtmlTable::html() const {
  if (rows.empty()) return "";
  std::string out = fmt::format("<div class=\"table{}\"><table><caption>{}</caption><thead><tr>",
                                is_dense ? " dense" : "", escape_html(caption));
  for (const HtmlColumn& column : columns) {
    const std::string unit =
        column.unit.empty() ? "" : fmt::format(" <small>{}</small>", escape_html(column.unit));
    out += fmt::format("<th scope=\"col\"{}>{}{}</th>",
                       column.is_number ? " class=\"num\""
                       : column.is_wide ? " class=\"wide\""
                                        : "",
                       escape_html(column.title), unit);
  }
  out += "</tr></thead><tbody>";
  for (const std::vector<HtmlCell>& row : rows) {
    out += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      const bool is_number = i < columns.size() && columns[i].is_number;
      out += fmt::format("<td{} data-sort=\"{}\">{}</td>", is_number ? " class=\"num\"" : "",
                         escape_html(row[i].sort), row[i].html);
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>\n";
}

std::string prose_html(std::string_view text) {
  std::string out;
  while (true) {
    const size_t open = text.find('`');
    const size_t close = open == text.npos ? open : text.find('`', open + 1);
    if (close == text.npos) return out + escape_html(text);
    out += escape_html(text.substr(0, open));
    out += fmt::format("<code>{}</code>", escape_html(text.substr(open + 1, close - open - 1)));
    text.remove_prefix(close + 1);
  }
}

HtmlCell text_cell(std::string_view text) {
  return {escape_html(text), std::string(text)};
}
HtmlCell number_cell(double value) {
  return {format_number(value), fmt::format("{:.9g}", value)};
}
HtmlCell count_cell(int64_t value) {
  return value == 0 ? HtmlCell{"—", ""} : HtmlCell{std::to_string(value), std::to_string(value)};
}

std::string answer_html(Answer answer) {
  switch (answer) {
    case Answer::kYes:
      return "<span class=\"answer yes\"><span aria-hidden=\"true\">✓</span> yes</span>";
    case Answer::kNo:
      return "<span class=\"answer no\"><span aria-hidden=\"true\">✗</span> no</span>";
    case Answer::kNotExamined:
      break;
  }
  return "<span class=\"answer open\"><span aria-hidden=\"true\">○</span> not examined</span>";
}

std::string class_tag(EvidenceClass evidence_class) {
  if (evidence_class == EvidenceClass::kMeasured) return "";
  return fmt::format(" <span class=\"tag {0}\">{0}</span>", name_of(evidence_class));
}

std::string value_html(const Model& model, const Record* record) {
  if (record == nullptr) return "<span class=\"unknown\">—&nbsp;unknown</span>";
  const ValueText text = value_text(*record);
  const std::string title = fmt::format("{}{}{}", metric_title(record->metric),
                                        record->n > 0 ? fmt::format(", n = {}", record->n) : "",
                                        record->method.empty() ? "" : ": " + record->method);
  const bool is_void = record->validity == Validity::kVoid;
  const std::string value =
      is_void ? fmt::format("<s>{}</s>", escape_html(text.value)) : escape_html(text.value);
  std::string out =
      fmt::format("<a class=\"v {}{}\" href=\"#r{}\" title=\"{}\">{}</a>", name_of(record->evidence_class),
                  value_of(*record) ? "" : " unknown", record->id, escape_html(title), value);
  if (!value_of(*record) && record->n > 0)
    out += fmt::format(" <span class=\"ci\">n&nbsp;=&nbsp;{}</span>", record->n);
  if (!text.interval.empty()) out += fmt::format(" <span class=\"ci\">{}</span>", escape_html(text.interval));
  // A derived number carries its formula: on hover and focus, and in print as a note that names its record.
  if (record->evidence_class == EvidenceClass::kDerived) {
    out += fmt::format("<sup class=\"formula\" title=\"{}\">ƒ<span class=\"print\">r{}</span></sup>",
                       escape_html(record->method), record->id);
  } else {
    out += class_tag(record->evidence_class);
  }
  return out + doubt_html(model, *record);
}

HtmlCell value_cell(const Model& model, const Record* record) {
  return {value_html(model, record), sort_key(record)};
}

Json shared_conditions(const std::vector<const Record*>& records) {
  Json shared = Json::object();
  if (records.size() < 2) return shared;
  for (const auto& [key, value] : records.front()->conditions.members()) {
    const bool is_shared = std::all_of(records.begin(), records.end(), [&](const Record* record) {
      const Json* found = record->conditions.find(key);
      return found != nullptr && *found == value;
    });
    if (is_shared) shared.append_member(key, value);
  }
  return shared;
}

std::string own_conditions(const Record& record, const Json& shared) {
  Json own = Json::object();
  for (const auto& [key, value] : record.conditions.members()) {
    if (shared.find(key) == nullptr) own.append_member(key, value);
  }
  return short_conditions(own);
}

std::string record_links(const std::vector<int64_t>& ids) {
  constexpr size_t kShown = 12;
  std::string out;
  for (size_t i = 0; i < std::min(ids.size(), kShown); ++i)
    out += fmt::format(" <a class=\"ref\" href=\"#r{0}\">r{0}</a>", ids[i]);
  if (ids.size() > kShown) out += fmt::format(" and {} more", ids.size() - kShown);
  return out;
}

std::string chart_html(std::string_view id, std::string_view kind, std::string_view sentence,
                       std::string_view small_print) {
  return fmt::format(
      "<figure class=\"chart\" id=\"{0}\" data-kind=\"{1}\"><h4>{2}</h4><div class=\"plot\" role=\"img\" "
      "aria-label=\"{2}\"></div><figcaption>{3}</figcaption></figure>\n",
      id, kind, escape_html(sentence), escape_html(small_print));
}

std::string details_html(const Json& value) {
  std::vector<std::pair<std::string, std::string>> rows;
  add_details("", value, 0, rows);
  std::string out = "<dl class=\"facts\">";
  for (const auto& [name, text] : rows) {
    if (!name.empty())
      out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", escape_html(name), escape_html(text));
  }
  out += "</dl>\n";
  return rows.size() >= kMostDetails
             ? out + fmt::format("<p class=\"small\">The first {} are shown.</p>", kMostDetails)
             : out;
}

}  // namespace assay
