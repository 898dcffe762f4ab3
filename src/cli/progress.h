// ProgressDisplay: one block on stderr that tells what is running. It redraws itself on a terminal, at most
// ten times a second; elsewhere it writes a plain line when a trial starts and ends, and rarely in between.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "exam/evaluation.h"

namespace assay {

enum class ProgressKind {
  kAll,
  kNoFindings,  // of a rank that shows the findings of all ranks at the end
  kQuiet,       // nothing: of the other ranks
};

class ProgressDisplay final : public Progress {
 public:
  ProgressDisplay(Terminal& terminal, const Clock& clock, ProgressKind kind = ProgressKind::kAll);
  ~ProgressDisplay() override;

  void begin(size_t index, size_t count, const std::string& name);
  void end(const TrialOutcome& outcome);
  // A line about work that is no trial (looking at the host, writing the report).
  void note(const std::string& text);

  void update(double fraction, const std::string& status) override;
  void finding(const Finding& finding) override;

 private:
  void draw(double fraction, const std::string& status);
  void erase();
  // ", 12.3 s left", from what it took since something moved; "" while that says little.
  std::string time_left(double fraction) const;

  Terminal& terminal_;
  const Clock& clock_;
  ProgressKind kind_;
  std::string name_;
  std::string position_;  // "3/15"
  Nanos started_{};
  Nanos drawn_{};
  struct Moved {
    Nanos at{};
    double fraction = 0;
  };
  std::optional<Moved> moved_;  // the first update that told of a share
  std::set<std::string> told_;  // texts of findings
  int lines_ = 0;               // of the block on the screen now
};

}  // namespace assay
