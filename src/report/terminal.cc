// The lines that end a run on a terminal: eight answers, the instrument, the findings that weigh, the paths.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "report/load_table.h"
#include "report/model.h"
#include "report/report.h"
#include "report/stack.h"
#include "report/values.h"
#include "report/wrap.h"

namespace assay {
namespace {

constexpr size_t kLeastWidth = 80;
constexpr size_t kNumberWidth = 3;  // "1  "
constexpr size_t kQuestionWidth = 36;
constexpr size_t kAnswerWidth = 14;  // "not examined  "
constexpr size_t kReasonLines = 3;
constexpr size_t kFindingLines = 6;
constexpr size_t kMostFindings = 12;

enum class Ink { kPlain, kGood, kBad, kFaint, kWarning, kStrong };

// Foreign text for a terminal: one line, no control characters.
std::string line_text(std::string_view text) {
  std::string out = clean_utf8(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

std::string padded(std::string_view text, size_t width) {
  std::string out = cut(text, width);
  out.append(width - std::min(width, display_width(out)), ' ');
  return out;
}

class Lines {
 public:
  explicit Lines(const TerminalOptions& options)
      : width_(std::max(options.width, kLeastWidth)), has_colour_(options.colour) {}

  size_t width() const { return width_; }
  std::string ink(Ink ink, std::string_view text) const {
    if (!has_colour_ || ink == Ink::kPlain || text.empty()) return std::string(text);
    const char* code = ink == Ink::kGood      ? "32"
                       : ink == Ink::kBad     ? "31"
                       : ink == Ink::kWarning ? "33"
                       : ink == Ink::kFaint   ? "2"
                                              : "1";
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
  }
  void add(std::string_view line) {
    size_t end = line.size();
    while (end > 0 && line[end - 1] == ' ') --end;
    out_ += line.substr(0, end);
    out_ += '\n';
  }
  void rule() { add(ink(Ink::kFaint, std::string(width_ - 1, '-'))); }
  std::string take() { return std::move(out_); }

 private:
  size_t width_;
  bool has_colour_;
  std::string out_;
};

void add_head(Lines& lines, const Model& model) {
  const RunInfo& run = model.content->run;
  const std::string right =
      fmt::format("{}  dossier {}", line_text(run.created_at.substr(0, 10)), line_text(run.id.substr(0, 8)));
  const size_t left_width = lines.width() - 2 - display_width(right);
  lines.add(lines.ink(Ink::kStrong, padded("assay  ·  " + line_text(model.title), left_width)) + " " + right);
}

// Beside the answer where there is room for it, else on lines of its own below.
void add_answer(Lines& lines, const AnswerRow& row) {
  const size_t indent = kNumberWidth + kQuestionWidth + kAnswerWidth;
  const bool is_open = row.answer == Answer::kNotExamined;
  const bool has_both = is_open && !row.reason.empty() && !row.command.empty();
  const std::string why = line_text(row.reason), command = is_open ? line_text(row.command) : "";
  const std::string reason = has_both ? why + ": " + command : command.empty() ? why : command;
  const std::string exam = is_open ? "" : line_text(row.exam);
  const size_t room = lines.width() - 1 - indent;
  const size_t exam_room = exam.empty() ? 0 : display_width(exam) + 2;
  const bool fits = display_width(reason) + exam_room <= room;
  const Ink ink = row.answer == Answer::kYes  ? Ink::kGood
                  : row.answer == Answer::kNo ? Ink::kBad
                                              : Ink::kFaint;
  const Ink reason_ink = is_open ? Ink::kFaint : Ink::kPlain;
  // The padding stays without colour, so that it goes where nothing follows.
  const std::string_view answer = name_of(row.answer);
  std::string line = padded(fmt::format("{}  {}", row.question, row.text), kNumberWidth + kQuestionWidth) +
                     lines.ink(ink, answer) + std::string(kAnswerWidth - display_width(answer), ' ');
  const size_t used = fits ? display_width(reason) : 0;
  if (fits) line += lines.ink(reason_ink, reason);
  if (!exam.empty()) line += std::string(room - used - exam_room + 2, ' ') + lines.ink(Ink::kFaint, exam);
  lines.add(line);
  if (fits) return;
  // A command is for copying: where it does not fit behind the reason it has a line of its own.
  const size_t part_width = lines.width() - 1 - kNumberWidth;
  const bool is_apart = has_both && display_width(reason) > part_width;
  for (const std::string& part : wrapped_sentences(is_apart ? why : reason, part_width, kReasonLines)) {
    lines.add(std::string(kNumberWidth, ' ') + lines.ink(reason_ink, part));
  }
  if (is_apart) lines.add(std::string(kNumberWidth, ' ') + lines.ink(reason_ink, command));
}

void add_wrapped(Lines& lines, const std::string& text, std::string_view indent, size_t most,
                 Ink ink = Ink::kPlain) {
  for (const std::string& part : wrapped_sentences(text, lines.width() - 1 - indent.size(), most))
    lines.add(std::string(indent) + lines.ink(ink, part));
}

// "TTFT × 1.50 (1.35–1.65)", "TTFT insufficient (n = 3)".
std::string interference_text(const InterferenceRow& row) {
  const ValueText text = value_text(*row.record);
  if (!row.record->value) return fmt::format("{} {} (n = {})", row.latency, text.value, row.record->n);
  return fmt::format("{} × {}{}{}", row.latency, text.value,
                     text.interval.empty() ? "" : fmt::format(" ({})", text.interval),
                     row.record->validity == Validity::kVoid       ? " void"
                     : row.record->validity == Validity::kDoubtful ? " !"
                                                                   : "");
}

// A line a class: how much longer it waits in company than alone.
void add_interference(Lines& lines, const Model& model) {
  constexpr size_t kMostLines = 12, kMostNameWidth = 40;
  const std::vector<InterferenceRow> rows = interference_rows(model);
  if (rows.empty()) return;
  const bool has_one_target = std::ranges::all_of(
      rows, [&](const InterferenceRow& row) { return row.serving == rows.front().serving; });
  const auto name_of = [&](const InterferenceRow& row) {
    return cut(line_text(has_one_target ? row.result->name
                                        : fmt::format("{} on {}", row.result->name, row.serving->label)),
               kMostNameWidth);
  };
  size_t width = 0;
  for (const InterferenceRow& row : rows) width = std::max(width, display_width(name_of(row)));
  std::vector<std::string> texts;
  const ClassResult* last = nullptr;
  for (const InterferenceRow& row : rows) {
    const bool is_first = row.result != last;
    last = row.result;
    const std::string more = is_first ? "" : ", " + interference_text(row);
    if (!is_first && display_width(texts.back() + more) < lines.width())
      texts.back() += more;
    else
      texts.push_back(
          fmt::format("  {}  {}", padded(is_first ? name_of(row) : "", width), interference_text(row)));
  }
  lines.add("Interference: median in the mix ÷ median alone");
  for (const std::string& text : std::span(texts).first(std::min(texts.size(), kMostLines))) lines.add(text);
  if (texts.size() > kMostLines)
    lines.add(
        lines.ink(Ink::kFaint, fmt::format("  and {} more: see the report", texts.size() - kMostLines)));
}

void add_findings(Lines& lines, const Model& model) {
  std::vector<const Finding*> weighty;
  for (const Finding* finding : model.findings) {
    if (finding->severity != Severity::kNote) weighty.push_back(finding);
  }
  const size_t notes = model.findings.size() - weighty.size();
  if (!weighty.empty()) lines.add("");
  for (size_t i = 0; i < std::min(weighty.size(), kMostFindings); ++i) {
    const Finding& finding = *weighty[i];
    const Trial* trial = model.trial(finding.trial_id);
    const Ink ink = finding.severity == Severity::kDoubtful ? Ink::kWarning : Ink::kBad;
    const std::string head =
        fmt::format("{} {}{}", name_of(finding.severity), line_text(finding.code),
                    trial == nullptr ? "" : fmt::format(" ({})", line_text(trial->name)));
    add_wrapped(lines, head, "", 1, ink);
    add_wrapped(lines, line_text(finding.text), "  ", kFindingLines);
  }
  const size_t hidden = weighty.size() - std::min(weighty.size(), kMostFindings);
  std::vector<std::string> rest;
  if (hidden > 0) rest.push_back(fmt::format("{} more blockers or doubts", hidden));
  if (notes > 0) rest.push_back(counted(static_cast<int64_t>(notes), "note"));
  if (!rest.empty())
    lines.add(lines.ink(Ink::kFaint, fmt::format("{}: see the report's findings", join(rest, " and "))));
}

// Paths are for copying: they are never cut or broken. A terminal wraps a longer one itself.
void add_path(Lines& lines, std::string_view name, std::string_view path) {
  if (!path.empty()) lines.add(fmt::format("{:<8}{}", name, printable(path, 4096)));
}

void add_shortfalls(Lines& lines, const TerminalOptions& options) {
  const std::vector<std::string>& shortfalls = options.shortfalls;
  constexpr size_t kMostShortfalls = 5, kShortfallLines = 3;
  constexpr std::string_view kIndent = "        ";
  const std::string first = fmt::format("exit {}  ", options.exit_code);
  for (size_t i = 0; i < std::min(shortfalls.size(), kMostShortfalls); ++i) {
    const std::string_view head = i == 0 ? std::string_view(first) : kIndent;
    const std::vector<std::string> parts =
        wrapped_sentences(line_text(shortfalls[i]), lines.width() - 1 - head.size(), kShortfallLines);
    for (size_t k = 0; k < parts.size(); ++k)
      lines.add(fmt::format("{}{}", k == 0 ? head : kIndent, lines.ink(Ink::kBad, parts[k])));
  }
  if (shortfalls.size() > kMostShortfalls)
    lines.add(fmt::format("{}and {} more: see the report", kIndent, shortfalls.size() - kMostShortfalls));
}

void add_paths(Lines& lines, const TerminalOptions& options) {
  if (!options.dossier_path.empty() || !options.report_path.empty()) lines.add("");
  add_path(lines, "dossier", options.dossier_path);
  add_path(lines, "report", options.report_path);
  add_path(lines, "next", options.next_command);
  add_shortfalls(lines, options);
}

// What loads measured, where the run is of nothing else: the answers do not tell the latencies.
std::string tables_of_loads(const Model& model, size_t width) {
  const bool is_load_alone =
      std::ranges::all_of(model.content->trials, [](const Trial& trial) { return trial.exam == "load"; });
  return is_load_alone ? load_tables(model, width) : "";
}

void add_stacks(Lines& lines, const Model& model, bool has_tables) {
  for (const Subject& subject : model.content->subjects) {
    const bool is_told = has_tables && std::ranges::any_of(model.servings, [&](const Serving& serving) {
                           return serving.subject == &subject;
                         });
    const std::string stack = is_told ? "" : stack_sentence(subject);
    if (!stack.empty()) add_wrapped(lines, line_text(fmt::format("{}: {}", subject.name, stack)), "", 2);
  }
}

}  // namespace

std::string render_terminal_summary(const DossierContent& content, const TerminalOptions& options) {
  const Result<Model> model = make_model(content, nullptr);
  CHECK(model.has_value());  // only reading samples can fail
  Lines lines(options);
  const std::string tables = tables_of_loads(*model, lines.width());
  if (!tables.empty()) lines.add(tables);
  add_head(lines, *model);
  lines.rule();
  for (const AnswerRow& row : model->answers) add_answer(lines, row);
  lines.rule();
  add_interference(lines, *model);
  add_wrapped(lines, line_text(model->instrument.sentence), "", 4);
  add_wrapped(lines, line_text(model->instrument.check.beyond), "", 3, Ink::kWarning);
  if (content.run.finished_at.empty())
    add_wrapped(lines, "This run was interrupted or is under way: these are not all results.", "", 2,
                Ink::kWarning);
  add_stacks(lines, *model, !tables.empty());
  add_findings(lines, *model);
  add_paths(lines, options);
  return lines.take();
}

std::string render_findings_and_paths(const DossierContent& content, const TerminalOptions& options) {
  const Result<Model> model = make_model(content, nullptr);
  CHECK(model.has_value());  // only reading samples can fail
  Lines lines(options);
  add_findings(lines, *model);
  add_paths(lines, options);
  return lines.take();
}

}  // namespace assay
