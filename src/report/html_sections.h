// Sections of the page, in the order in which they stand on it. Each returns HTML, "" where it has nothing to
// say.
#pragma once

#include <string>

#include "base/base.h"
#include "report/model.h"

namespace assay {

std::string first_screen_html(const Model& model);
std::string waterfall_html(const Model& model);
std::string silicon_html(const Model& model);  // roofline, types, bandwidth, engine
std::string question_html(const Model& model, const AnswerRow& answer);
std::string serving_html(const Model& model);  // part of question 2
// Of that: the charts of capacity, which stand beside those of the mix; the tables of capacity and sweeps.
std::string capacity_charts_html(const Model& model);
std::string rates_html(const Model& model);
std::string hardware_html(const Model& model);  // "" where the host was not looked at
std::string findings_html(const Model& model);
std::string conditions_html(const Model& model);
// Part of it: the instrument's own error on the machine that made the run. "" without load trials.
std::string instrument_html(const Model& model);
// Part of it: what was declared of an endpoint's stack, beside what the server says. "" for another kind of
// subject.
std::string stack_html(const Subject& subject);
// Every record, a table a trial; `dossier_name` for the command that exports raw samples.
std::string provenance_html(const Model& model, const std::string& dossier_name);

// Sentences that charts and sections begin with, shared with the Markdown.
std::string attainment_sentence(const Model& model);
std::string curve_sentence(const Model& model, const std::string& traffic_class, const std::string& metric);
std::string trials_sentence(const Model& model);

}  // namespace assay
