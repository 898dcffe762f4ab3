// What the rules behind the verdicts look up in a run: trials, subjects and names of records, and why
// something failed. Reads only; used from one thread.
#pragma once

#include <map>
#include <set>
#include <string>

#include "evidence/evidence.h"
#include "scenario/scenario.h"

namespace assay {

class VerdictView {
 public:
  // Both must outlive the view.
  VerdictView(const DossierContent& content, const Scenario& scenario);

  const DossierContent& content() const { return content_; }

  const Trial* trial_of(const Record& record) const;  // null: derived over several
  std::string subject_name(const Record& record) const;
  // What people call the thing that a record is about: the scenario's target, else the subject.
  std::string target_name(const Record& record) const;
  // True for a target of the program's own, which shows nothing about a machine.
  bool is_fake(const Trial& trial) const;
  // One of untried_trials (exam.h).
  bool was_not_tried(const Trial& trial) const;
  // True if the trial was done and what it measured was found to be void.
  bool is_void(const Trial& trial) const;

  // The run was begun with --quick.
  bool is_quick() const;
  // Some trial failed since the engine, its model or a launched server did.
  bool has_engine_failure() const;
  // Some class of the scenario has an SLO.
  bool has_limits() const;

  // Some target can be sent requests: not so a kit.
  bool takes_traffic() const;
  // Why the load exam cannot be run with this scenario as it is; "" if it can.
  std::string why_no_load() const;
  // What would run an exam; "" for "", where this version has none, and for one that no target is for.
  std::string command_for(std::string_view exam) const;
  // The question is open, and its own exam would examine it.
  Verdict not_examined(const Question& question, std::string reason) const;
  // The failure of a trial with its target's name before it, once.
  std::string about_failure(const Trial& trial) const;

 private:
  const DossierContent& content_;
  const Scenario& scenario_;
  std::map<int64_t, const Trial*> trials_;
  std::map<int64_t, const Subject*> subjects_;
  std::map<int64_t, bool> void_trials_;
  std::set<int64_t> untried_trials_;
};

// Whether a record's value may be held against anything: void and insufficient ones may not.
bool is_usable(const Record& record);
bool is_usable_or_infinite(const Record& record);
std::string percent_text(double share);                             // "90.0 %"
std::string with_unit(double value, const std::string& unit);       // "12.0 ms"
std::string interval_text(const Record& record, double scale = 1);  // " (11.0–13.0)"; "" without an interval

}  // namespace assay
