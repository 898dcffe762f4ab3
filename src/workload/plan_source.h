// Where a trial's requests come from, a session at a time: what is under way and the next of each arrival
// process are all that has to be held of a plan of any size, and a trial begins before the last of its
// requests has been drawn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "workload/traffic.h"

namespace assay {

class PlanSource {
 public:
  virtual ~PlanSource() = default;
  // How many requests there will be in all, turns counted.
  virtual size_t size() const = 0;
  // How many users each closed loop has; loop 1 comes first.
  virtual const std::vector<uint32_t>& loop_users() const = 0;
  // From the id of one request to that of the next that is handed out.
  virtual uint32_t id_step() const { return 1; }
  // Appends the next session, its turns behind one another: of the closed loop `loop` (from 1), or, with 0,
  // of those that come at an instant of their own, in the order of these. False: there is none left. ids
  // ascend by id_step() from the first that is handed out. One thread.
  virtual bool next(uint32_t loop, std::vector<PlannedRequest>& turns) = 0;
};

// All that is left of `source`, in the order of materialise().
std::vector<PlannedRequest> drain(PlanSource& source);

// The traffic of a plan: see materialise().
std::unique_ptr<PlanSource> traffic_source(TrafficPlan plan, RequestId first_id = 1);

// A plan that lies there whole, in the order of materialise(), and must outlive the source. ids are
// consecutive in the order in which sessions are handed out: those of one kind of arrival only, or all first
// turns at instants of their own.
std::unique_ptr<PlanSource> list_source(std::span<const PlannedRequest> plan,
                                        std::vector<uint32_t> loop_users = {});

}  // namespace assay
