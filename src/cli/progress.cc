// Drawing the live block and the plain lines; see progress.h.
#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/wrap.h"

namespace assay {
namespace {

constexpr Nanos kRedraw = nanos_from_ms(100);
constexpr Nanos kPlainInterval = nanos_from_seconds(15);
constexpr int kBarWidth = 20;

std::string bar(double fraction) {
  const int full = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kBarWidth);
  std::string text;
  for (int i = 0; i < kBarWidth; ++i) text += i < full ? "█" : "░";
  return text;
}

}  // namespace

ProgressDisplay::ProgressDisplay(Terminal& terminal, const Clock& clock, ProgressKind kind)
    : terminal_(terminal), clock_(clock), kind_(kind) {}

ProgressDisplay::~ProgressDisplay() {
  erase();
}

void ProgressDisplay::begin(size_t index, size_t count, const std::string& name) {
  if (kind_ == ProgressKind::kQuiet) return;
  name_ = name;
  position_ = fmt::format("{}/{}", index + 1, count);
  started_ = drawn_ = clock_.now();
  moved_.reset();
  if (terminal_.err_is_live()) {
    draw(0, "");
  } else {
    terminal_.err(fmt::format("[{}] {}\n", position_, name_));
  }
}

void ProgressDisplay::end(const TrialOutcome& outcome) {
  if (kind_ == ProgressKind::kQuiet) return;
  erase();
  const bool is_void = std::ranges::any_of(
      outcome.records, [](const Record& record) { return record.validity == Validity::kVoid; });
  const char* mark = outcome.state == TrialState::kDone      ? (is_void ? "⚠" : "✓")
                     : outcome.state == TrialState::kSkipped ? "○"
                                                             : "✗";
  std::string line =
      fmt::format("[{}] {} {}  {}", position_, mark, name_, format_duration(outcome.duration_s));
  if (is_void) line += "  void";
  if (!outcome.end_text.empty()) line += "  " + printable(outcome.end_text);
  terminal_.err(cut(line, static_cast<size_t>(terminal_.width())) + "\n");
}

void ProgressDisplay::note(const std::string& text) {
  if (kind_ == ProgressKind::kQuiet) return;
  erase();
  terminal_.err(text + "\n");
}

void ProgressDisplay::update(double fraction, const std::string& status) {
  if (kind_ == ProgressKind::kQuiet) return;
  const Nanos now = clock_.now();
  // What comes before, such as a burst or the loading of a model, is no part of what is counted.
  if (fraction > 0 && (!moved_ || fraction < moved_->fraction)) moved_ = {now, fraction};
  const bool live = terminal_.err_is_live();
  if (now - drawn_ < (live ? kRedraw : kPlainInterval)) return;
  drawn_ = now;
  if (live) {
    draw(fraction, status);
  } else {
    terminal_.err(fmt::format("[{}] {} {:.0f} %{}  {}\n", position_, name_, 100 * fraction,
                              time_left(fraction), printable(status)));
  }
}

std::string ProgressDisplay::time_left(double fraction) const {
  constexpr double kLeastShare = 0.05, kLeastS = 1;  // below, it says little
  if (!moved_ || fraction >= 1) return "";
  const double share = fraction - moved_->fraction, took_s = seconds(clock_.now() - moved_->at);
  if (share < kLeastShare || took_s < kLeastS) return "";
  return fmt::format(", {} left", format_duration(took_s * (1 - fraction) / share));
}

void ProgressDisplay::finding(const Finding& finding) {
  if (kind_ != ProgressKind::kAll || !told_.insert(finding.text).second)
    return;  // trials of one target often find the same
  erase();
  const char* mark = finding.severity == Severity::kNote ? "·" : "⚠";
  constexpr size_t kMostBytes = 4000;
  terminal_.err(labelled(fmt::format("      {} ", mark), printable(finding.text, kMostBytes),
                         static_cast<size_t>(terminal_.width())));
}

void ProgressDisplay::draw(double fraction, const std::string& status) {
  const double elapsed_s = seconds(clock_.now() - started_);
  const size_t columns = static_cast<size_t>(terminal_.width());
  const std::string first = fmt::format("[{}] {}", position_, name_);
  const std::string second =
      fmt::format("  {} {:3.0f} %  {}{}", bar(fraction), 100 * std::clamp(fraction, 0.0, 1.0),
                  format_duration(elapsed_s), time_left(fraction));
  std::string text = cut(first, columns) + "\x1b[K\n" + cut(second, columns) + "\x1b[K\n";
  text += cut("  " + printable(status), columns) + "\x1b[K\n";
  erase();
  terminal_.err(text);
  lines_ = 3;
}

void ProgressDisplay::erase() {
  if (lines_ == 0) return;
  terminal_.err(fmt::format("\x1b[{}A\x1b[J", lines_));
  lines_ = 0;
}

}  // namespace assay
