// A plan that lies there whole, handed out as a source; see plan_source.h.
#include <algorithm>

#include "workload/plan_source.h"

namespace assay {
namespace {

class ListSource final : public PlanSource {
 public:
  ListSource(std::span<const PlannedRequest> plan, std::vector<uint32_t> loop_users)
      : plan_(plan),
        loop_users_(std::move(loop_users)),
        sessions_(loop_users_.size() + 1),
        next_(sessions_.size()) {
    for (size_t i = 0; i < plan.size(); ++i) {
      if (plan[i].previous != 0) {
        CHECK(i > 0 && plan[i].previous == plan[i - 1].request.id);
        continue;
      }
      CHECK(plan[i].loop < sessions_.size());
      sessions_[plan[i].loop].push_back(i);
    }
    std::ranges::stable_sort(sessions_[0], {}, [&](size_t i) { return plan[i].offset; });
  }

  size_t size() const override { return plan_.size(); }
  const std::vector<uint32_t>& loop_users() const override { return loop_users_; }

  bool next(uint32_t loop, std::vector<PlannedRequest>& turns) override {
    if (next_[loop] == sessions_[loop].size()) return false;
    size_t i = sessions_[loop][next_[loop]++];
    do {
      turns.push_back(plan_[i]);
    } while (++i < plan_.size() && plan_[i].previous != 0);
    return true;
  }

 private:
  std::span<const PlannedRequest> plan_;
  std::vector<uint32_t> loop_users_;
  std::vector<std::vector<size_t>> sessions_;  // by loop: where in the plan each begins
  std::vector<size_t> next_;                   // by loop
};

}  // namespace

std::vector<PlannedRequest> drain(PlanSource& source) {
  std::vector<PlannedRequest> planned;
  planned.reserve(source.size());
  for (uint32_t loop = 1; loop <= source.loop_users().size(); ++loop) {
    while (source.next(loop, planned)) {
    }
  }
  while (source.next(0, planned)) {
  }
  return planned;
}

std::unique_ptr<PlanSource> list_source(std::span<const PlannedRequest> plan,
                                        std::vector<uint32_t> loop_users) {
  return std::make_unique<ListSource>(plan, std::move(loop_users));
}

}  // namespace assay
