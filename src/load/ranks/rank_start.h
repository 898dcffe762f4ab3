// RankStart: how several load generators begin one trial together. Rank 0 finds the rate, the others take it;
// all open the target and warm it up; then the clocks are held against rank 0's, one start is agreed on, and
// nobody talks to anybody any more: from then on no rank can hold another up.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "workload/workload.h"

namespace assay {

// What rank 0 has found for all.
struct AgreedTraffic {
  double rate_per_s = 1;  // of sessions, of all ranks together
  double left_s = 0;      // how long the trial may take
  RequestId first_id = 1;
  Json rate_conditions = Json::object();  // how the rate came about
};

struct AgreedStart {
  Nanos at{};         // the common start by this rank's clock
  Nanos at_rank_0{};  // and by rank 0's
  RankClock clock;    // this rank's against rank 0's
};

// Of one trial. One thread; every wait is bounded. Where a rank cannot start, none does, and all errors name
// it.
class RankStart {
 public:
  // `run` is one for all ranks; `hosts` names where each works. Link and clock must outlive this.
  RankStart(RankLink& link, Clock& clock, std::string run, std::vector<std::string> hosts);

  PlanShare share() const { return {link_.rank(), link_.ranks()}; }
  bool leads() const { return link_.rank() == 0; }
  const std::string& run() const { return run_; }
  const std::string& host() const { return hosts_[link_.rank()]; }
  // Nothing is left to agree on: it was agreed, or failed.
  bool is_over() const { return is_over_; }

  // First: rank 0 tells, the others hear.
  Result<void> tell(const AgreedTraffic& traffic);
  Result<AgreedTraffic> hear();
  // Then, when the target is open and warm: all together. Leaves the link.
  Result<AgreedStart> agree();
  // Instead of the next step: this rank cannot start, so none does. Leaves the link.
  void give_up(const std::string& why);

 private:
  Result<AgreedStart> lead();
  Result<AgreedStart> follow();
  // Both note a peer that cannot be reached any more: without it there is no end of the talk.
  Result<void> send(uint32_t rank, const std::string& text);
  Result<Json> next_from(uint32_t rank, Nanos longest);
  std::unexpected<Error> lost(uint32_t rank, const Error& error);
  std::string name_of_rank(uint32_t rank) const;

  RankLink& link_;
  Clock& clock_;
  std::string run_;
  std::vector<std::string> hosts_;
  std::vector<uint8_t> is_silent_;  // by rank: it did not answer in time
  bool has_rank_0_ended_it_ = false;
  bool is_over_ = false;
};

}  // namespace assay
