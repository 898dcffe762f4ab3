// The HTML page: skeleton, data blocks and the bundle that draws the charts. See report.h.
#include <fmt/format.h>

#include <algorithm>

#include "os/os.h"
#include "report/assets.h"
#include "report/charts.h"
#include "report/html_parts.h"
#include "report/html_sections.h"
#include "report/report.h"
#include "report/values.h"

namespace assay {
namespace {

// Raw requests travel with the page while all of a trial's fit into what is left of this.
constexpr size_t kRawBudgetBytes = 400'000;

// JSON inside a script element: no "<" may stand there, else a name could close the element.
std::string json_block(std::string_view id, const Json& data) {
  std::string text;
  for (const char c : data.dump()) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", id, text);
}

Json columns_json(const Columns& columns) {
  Json out = Json::object();
  for (const Column& column : columns.columns) {
    Json::Array values;
    if (column.is_double)
      values.assign(column.doubles.begin(), column.doubles.end());
    else
      values.assign(column.integers.begin(), column.integers.end());
    out.append_member(column.name, Json(std::move(values)));
  }
  return out;
}

// The raw requests of load trials, whole trials only: {"3": {"classes": […], "columns": {…}}}.
class RawRequests {
 public:
  void offer(const Trial& trial, const std::vector<Sample>& samples) {
    for (const Sample& sample : samples) {
      constexpr size_t kFewestBytesAValue = 2;
      const size_t least = sample.columns.rows() * sample.columns.columns.size() * kFewestBytesAValue;
      if (sample.name != "requests" || least > left_bytes_) continue;
      Json item;
      item.set("classes", trial.parameters["classes"]).set("columns", columns_json(sample.columns));
      const size_t bytes = item.dump().size();
      if (bytes > left_bytes_) continue;
      left_bytes_ -= bytes;
      trials_.set(std::to_string(trial.id), std::move(item));
    }
  }
  const Json& trials() const { return trials_; }

 private:
  size_t left_bytes_ = kRawBudgetBytes;
  Json trials_ = Json::object();
};

std::string head_html(const Model& model) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{}'; "
      "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" "
      "content=\"light dark\">\n"
      "<meta name=\"generator\" content=\"assay {}\"><title>assay · {}</title><link rel=\"icon\" "
      "href=\"data:,\">\n<style>{}</style></head>\n",
      report_script_sha256(), escape_html(model.content->run.assay_version), escape_html(model.title),
      report_style());
}

std::string body_html(const Model& model, const std::string& dossier_name) {
  std::string out = "<body><a class=\"skip\" href=\"#waterfall\">Skip to the charts</a>\n<main>\n" +
                    first_screen_html(model);
  out +=
      "<noscript><style>.plot{display:none}</style><p class=\"small\">Charts need JavaScript; the tables "
      "below them hold the same numbers.</p></noscript>\n";
  out += waterfall_html(model) + silicon_html(model);
  for (const AnswerRow& answer : model.answers) out += question_html(model, answer);
  out += hardware_html(model) + findings_html(model) + conditions_html(model) +
         provenance_html(model, dossier_name);
  return out + fmt::format(
                   "</main>\n<footer><p>Made by assay {} from dossier {}. This page is one file and contacts "
                   "nobody.</p></footer>\n",
                   escape_html(model.content->run.assay_version), escape_html(model.content->run.id));
}

}  // namespace

Result<std::string> render_html(const Dossier& dossier) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  RawRequests raw;
  const SampleReader read_samples = [&](int64_t trial_id) -> Result<std::vector<Sample>> {
    Result<std::vector<Sample>> samples = dossier.read_samples(trial_id, "chunks");
    const auto trial = std::find_if(content.trials.begin(), content.trials.end(),
                                    [&](const Trial& t) { return t.id == trial_id; });
    if (samples && trial != content.trials.end()) raw.offer(*trial, *samples);
    return samples;
  };
  ASSIGN_OR_RETURN(const Model model, make_model(content, read_samples));
  std::string page = head_html(model) + body_html(model, file_name(dossier.path()));
  page += json_block("data", chart_data(model)) + json_block("raw", raw.trials());
  page += fmt::format("<script>{}</script>\n</body></html>\n", report_script());
  return clean_utf8(page);
}

}  // namespace assay
