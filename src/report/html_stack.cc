// The stack of an endpoint on the page.
#include <fmt/format.h>

#include "report/html_sections.h"
#include "report/stack.h"

namespace assay {

std::string stack_html(const Subject& subject) {
  const std::vector<StackRow> rows = stack_rows(subject);
  if (subject.kind != "endpoint") return "";
  std::string out = fmt::format("<h3>{}</h3>\n<p>{}.</p>\n", escape_html(subject.name),
                                escape_html(stack_sentence(subject)));
  if (rows.empty()) return out;
  out +=
      "<div class=\"table\"><table><caption>Stack</caption><thead><tr><th></th><th>declared</th><th>the server "
      "says</th></tr></thead><tbody>\n";
  for (const StackRow& row : rows) {
    const auto text = [](const std::string& value) { return value.empty() ? "—" : escape_html(value); };
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escape_html(row.name),
                       text(row.declared), text(row.told));
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace assay
