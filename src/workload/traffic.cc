// From classes to requests: how many of each, in which order, at which instants, how long each is. Every draw
// names what it decides (its stream) and for which request (its index), so that nothing depends on the order
// of evaluation.
#include "workload/traffic.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "workload/plan_source.h"

namespace assay {
namespace {

// What the draws of one class share: its streams, hashed once, and the weights and tree of its prefixes.
struct ClassStreams {
  explicit ClassStreams(const TrafficClass& c) : ClassStreams(c.name) {
    const PrefixPool& pool = c.prefix_pool;
    double sum = 0;
    for (uint32_t k = 1; pool.zipf > 0 && k <= pool.count; ++k)
      prefix_weights.push_back(sum += std::pow(k, -pool.zipf));
    while (pool.depth > 1 && std::pow(prefix_children, pool.depth) < pool.count) ++prefix_children;
  }
  explicit ClassStreams(const std::string& name)
      : turns(stream("turns", name)),
        order(stream("order", name)),
        prompt(stream("prompt tokens", name)),
        output(stream("output tokens", name)),
        text(stream("prompt text", name)),
        prefix(stream("prefix text", name)),
        think(stream("think time", name)),
        cancel(stream("cancellation", name)),
        blocks(stream("blocks text", "")) {}

  static uint64_t stream(const char* what, const std::string& name) {
    return random_stream((std::string(what) + "/" + name).c_str());
  }

  uint64_t turns, order, prompt, output, text, prefix, think, cancel;
  std::vector<double> prefix_weights;  // cumulative; empty: all alike
  uint64_t prefix_children = 1;        // of each node of their tree
  uint64_t blocks;                     // of all classes: what the requests of a trace share
};

// One session of a class, or one request on its own (turns == 1).
struct Session {
  uint32_t class_index = 0;
  uint32_t index = 0;  // in its class
  uint32_t turns = 1;
  Nanos offset{};  // of its start; of a closed loop: the pause before it
};

// Shares of `total` by weight, exact to one: the floor of each, and the rest to the largest remainders.
std::vector<uint32_t> shares(const std::vector<TrafficClass>& classes, uint32_t total) {
  double weight_sum = 0;
  for (const TrafficClass& c : classes) weight_sum += c.weight;
  CHECK(weight_sum > 0);
  std::vector<uint32_t> counts;
  std::vector<double> remainders;
  for (const TrafficClass& c : classes) {
    CHECK(c.weight >= 0);
    const double exact = total * (c.weight / weight_sum);
    counts.push_back(static_cast<uint32_t>(exact));
    remainders.push_back(exact - std::floor(exact));
  }
  std::vector<size_t> by_remainder(classes.size());
  std::iota(by_remainder.begin(), by_remainder.end(), 0);
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](size_t a, size_t b) { return remainders[a] > remainders[b]; });
  uint32_t left = total - std::accumulate(counts.begin(), counts.end(), 0U);
  for (size_t i = 0; left > 0; i = (i + 1) % by_remainder.size()) {
    if (classes[by_remainder[i]].weight <= 0) continue;
    ++counts[by_remainder[i]];
    --left;
  }
  return counts;
}

const Arrivals& arrivals_of(const TrafficPlan& plan, uint32_t class_index) {
  const std::optional<Arrivals>& own = plan.classes[class_index].arrivals;
  return own && plan.arrivals.kind != Arrivals::Kind::kTrace ? *own : plan.arrivals;
}

// Classes with arrivals of their own are each a group; the others are group 0 together.
uint32_t group_of(const TrafficPlan& plan, uint32_t class_index) {
  return &arrivals_of(plan, class_index) == &plan.arrivals ? 0 : class_index + 1;
}

// By group: the number of its closed loop, 0 if it is none.
std::vector<uint32_t> loop_numbers(const TrafficPlan& plan) {
  std::vector<uint32_t> numbers(plan.classes.size() + 1);
  uint32_t loops = 0;
  bool has_common = false;  // classes without arrivals of their own
  for (uint32_t c = 0; c < plan.classes.size(); ++c) has_common |= group_of(plan, c) == 0;
  if (has_common && plan.arrivals.kind == Arrivals::Kind::kClosed) numbers[0] = ++loops;
  for (uint32_t c = 0; c < plan.classes.size(); ++c) {
    if (group_of(plan, c) != 0 && arrivals_of(plan, c).kind == Arrivals::Kind::kClosed)
      numbers[c + 1] = ++loops;
  }
  return numbers;
}

// What texts are drawn by, as against lengths, instants and choices.
uint64_t text_seed(const TrafficPlan& plan) {
  return plan.seed ^ plan.text_seed;
}

// One turn; its place in the session makes the index of its draws.
Request drawn_request(const TrafficPlan& plan, const ClassStreams& streams, const Session& session,
                      uint32_t turn) {
  const TrafficClass& c = plan.classes[session.class_index];
  const uint64_t index = (uint64_t{session.index} << 32) | turn;
  Random prompt_random(plan.seed, streams.prompt, index);
  Random output_random(plan.seed, streams.output, index);
  Request request;
  request.class_index = session.class_index;
  request.turn = turn;
  request.last_turn = turn + 1 == session.turns;
  request.corpus = c.corpus == "code" ? "code" : "prose";
  request.prompt_seed = Random(text_seed(plan), streams.text, index).next();
  request.prompt_tokens = c.prompt_tokens.draw(prompt_random);
  request.output_tokens = c.output_tokens.draw(output_random);
  return request;
}

// Which prefix of the pool a session begins with, from 0.
uint64_t drawn_prefix(const PrefixPool& pool, const ClassStreams& streams, Random& random) {
  const std::vector<double>& weights = streams.prefix_weights;
  if (weights.empty()) return random.below(std::max(1U, pool.count));
  const auto found = std::ranges::upper_bound(weights, random.uniform() * weights.back());
  return std::min<uint64_t>(static_cast<uint64_t>(found - weights.begin()), weights.size() - 1);
}

// The stretches of a prefix from the root of its tree to itself, cut where the request's prefix ends.
std::vector<PromptPart> nested_parts(const TrafficPlan& plan, const ClassStreams& streams, uint64_t prefix,
                                     const Request& request) {
  const TrafficClass& c = plan.classes[request.class_index];
  const uint64_t depth = c.prefix_pool.depth;
  std::vector<uint64_t> nodes(depth, prefix);  // on the way, by level
  for (size_t level = depth - 1; level > 0; --level)
    nodes[level - 1] = nodes[level] / streams.prefix_children;

  std::vector<PromptPart> parts;
  uint64_t before = 0;
  for (uint64_t level = 0; level < depth && before < request.prefix_tokens; ++level) {
    const uint64_t end = std::min<uint64_t>(c.prefix_tokens * (level + 1) / depth, request.prefix_tokens);
    if (end == before) continue;
    const bool is_leaf = level + 1 == depth;
    const uint64_t index = is_leaf ? prefix : (uint64_t{1} << 61) | level << 40 | nodes[level];
    parts.push_back(
        {Random(text_seed(plan), streams.prefix, index).next(), static_cast<uint32_t>(end - before)});
    before = end;
  }
  return parts;
}

// The shared prefix stands at the head of a session's first prompt and leaves at least one token of its own
// behind it.
void add_prefix(const TrafficPlan& plan, const ClassStreams& streams, uint64_t index, Request& request) {
  if (request.turn > 0) return;
  const TrafficClass& c = plan.classes[request.class_index];
  const PrefixPool& pool = c.prefix_pool;
  // Index 0 of the stream is the first prefix itself.
  Random random(plan.seed, streams.prefix, (uint64_t{1} << 62) | index);
  if (pool.share < 1 && random.uniform() >= pool.share) return;
  request.prefix_tokens = std::min(c.prefix_tokens, request.prompt_tokens - 1);
  if (request.prefix_tokens == 0) return;
  const uint64_t prefix = drawn_prefix(pool, streams, random);
  request.prefix_seed = Random(text_seed(plan), streams.prefix, prefix).next();
  if (pool.depth > 1) request.prefix_parts = nested_parts(plan, streams, prefix, request);
}

void add_cancellation(const TrafficPlan& plan, const ClassStreams& streams, uint64_t index,
                      Request& request) {
  const CancelPlan& cancel = plan.classes[request.class_index].cancel;
  Random random(plan.seed, streams.cancel, index);
  if (cancel.share <= 0 || random.uniform() >= cancel.share) return;
  if (cancel.after_chunks) request.cancel_after_chunks = cancel.after_chunks->draw(random);
  if (cancel.after_ms) request.cancel_after = nanos_from_ms(cancel.after_ms->draw(random));
}

Nanos pause(const TrafficPlan& plan, const ClassStreams& streams, const Session& session, uint32_t turn) {
  const uint64_t index = (uint64_t{session.index} << 32) | turn;
  return nanos_from_seconds(Random(plan.seed, streams.think, index).exponential() *
                            plan.classes[session.class_index].think_time_s);
}

// What the trace says of a turn takes the place of what was drawn.
void apply_entry(const TrafficPlan& plan, const ClassStreams& streams, const TraceEntry& entry,
                 PlannedRequest& planned) {
  Request& request = planned.request;
  request.prompt_tokens = entry.prompt_tokens;
  request.output_tokens = entry.output_tokens;
  if (request.turn > 0) planned.offset = entry.offset;
  if (entry.prefix == PrefixTree::kRoot) return;
  const PrefixTree& tree = *plan.trace->prefixes;
  planned.prefix = {&tree, entry.prefix, Random(text_seed(plan), streams.blocks, 0).next()};
  request.prefix_tokens = std::min(tree.tokens(entry.prefix), request.prompt_tokens);
  request.prefix_seed = Random(planned.prefix.seed, streams.blocks, tree.key(entry.prefix)).next();
}

uint32_t total_requests(const TrafficPlan& plan) {
  if (plan.trace == nullptr) {
    CHECK(plan.arrivals.kind != Arrivals::Kind::kTrace);
    return plan.requests;
  }
  const auto entries = static_cast<uint32_t>(std::min<size_t>(plan.trace->entries.size(), UINT32_MAX));
  return plan.requests == 0 ? entries : std::min(plan.requests, entries);
}

// The sessions of one class, in the order of their index.
struct ClassSessions {
  uint32_t requests_left = 0;
  uint32_t sessions_left = 0;
  uint32_t index = 0;
};

// Classes that share an arrival process.
struct Group {
  std::vector<uint32_t> classes;
  uint64_t index = 0;          // among the groups
  uint32_t loop = 0;           // the number of its closed loop, or 0
  uint32_t users = 1;          // of the loop, those of all shares
  uint64_t sessions_left = 0;  // of all its classes
  uint64_t drawn = 0;
  uint64_t first_place = 0;                 // in the trace, of the sessions of which each group has a stretch
  uint64_t order = 0;                       // the stream that decides which class comes next
  std::optional<ArrivalStream> arrivals{};  // nothing for a trace
  Nanos next{};  // instant of the next session, while there is one and it has an instant
};

class TrafficSource final : public PlanSource {
 public:
  TrafficSource(TrafficPlan plan, RequestId first_id)
      : plan_(std::move(plan)),
        size_(total_requests(plan_)),
        next_id_(first_id + plan_.share.rank),
        loop_users_(assay::loop_users(plan_)) {
    CHECK(!plan_.classes.empty() && first_id > 0 && plan_.share.rank < plan_.share.ranks);
    CHECK(plan_.routes.empty() || plan_.routes.size() == plan_.classes.size());
    for (const std::vector<uint32_t>& route : plan_.routes) CHECK(!route.empty());
    for (const TrafficClass& c : plan_.classes) streams_.emplace_back(c);
    for (uint32_t i = 0; has_trace() && i < size_; ++i) {
      if (plan_.trace->entries[i].turn == 0) starts_.push_back(i);
    }
    count_sessions();
    make_groups();
    share_size_ = plan_.share.ranks == 1 ? size_ : requests_of_share();
  }

  size_t size() const override { return share_size_; }
  const std::vector<uint32_t>& loop_users() const override { return loop_users_; }
  uint32_t id_step() const override { return plan_.share.ranks; }

  // Of the sessions that come at an instant of their own. Before the first is drawn.
  Nanos last_arrival() {
    Nanos last{};
    for (Group& group : groups_) {
      if (group.loop != 0 || group.sessions_left == 0) continue;
      Nanos at = is_trace() ? plan_.trace->entries[starts_.back()].offset : group.next;
      for (uint64_t i = 1; i < group.sessions_left && !is_trace(); ++i) at = group.arrivals->next();
      last = std::max(last, at);
    }
    return last;
  }

  bool next(uint32_t loop, std::vector<PlannedRequest>& turns) override {
    while (true) {
      Group* group = loop == 0 ? earliest() : group_of_loop(loop);
      if (group == nullptr || group->sessions_left == 0) return false;
      const Nanos offset = group->next;
      const uint64_t dealt = group->drawn;
      const Session session = draw(*group, offset);
      if (group->sessions_left > 0) group->next = next_instant(*group);
      if (!is_ours(*group, dealt)) continue;
      append(session, group->loop, group->first_place + dealt, turns);
      return true;
    }
  }

 private:
  bool is_trace() const { return plan_.arrivals.kind == Arrivals::Kind::kTrace; }
  bool has_trace() const { return plan_.trace != nullptr; }

  // Whether the session that is dealt out as number `dealt` of its group belongs to this share. Of a closed
  // loop each user has as many as the others, and goes with them to the share that has the user. Groups do
  // not all begin with the first share, so that many small ones are shared out evenly, too.
  bool is_ours(const Group& group, uint64_t dealt) const {
    const PlanShare& share = plan_.share;
    if (group.loop != 0) return dealt % group.users % share.ranks == share.rank;
    return (dealt + group.index) % share.ranks == share.rank;
  }

  // Draws all sessions once, as they will be drawn again, to count the turns of those that are ours.
  size_t requests_of_share() const {
    TrafficPlan plan = plan_;
    plan.share = {};
    TrafficSource whole(std::move(plan), 1);
    size_t requests = 0;
    for (Group& group : whole.groups_) {
      while (group.sessions_left > 0) {
        const uint64_t dealt = group.drawn;
        const Session session = whole.draw(group, Nanos());
        if (is_ours(group, dealt)) requests += session.turns;
      }
    }
    return requests;
  }

  // Turns of the session at `place` of the trace, as far as the plan goes.
  uint32_t turns_at(uint64_t place) const {
    const size_t end = place + 1 < starts_.size() ? starts_[place + 1] : size_;
    return static_cast<uint32_t>(end - starts_[place]);
  }

  // A session of a class of requests on their own is one request; of others the draws of the turns say how
  // many there are.
  uint32_t turns_of(uint32_t class_index, uint32_t index) const {
    Random random(plan_.seed, streams_[class_index].turns, index);
    return plan_.classes[class_index].turns.draw(random);
  }

  // Each class goes through its servers by itself, so that every server gets the same mix; the classes begin
  // at different ones, so that classes of few requests do not all meet the first.
  uint32_t server_of(const Session& session) const {
    if (plan_.routes.empty()) return 0;
    const std::vector<uint32_t>& route = plan_.routes[session.class_index];
    return route[(uint64_t{session.index} + session.class_index) % route.size()];
  }

  void count_sessions() {
    const std::vector<uint32_t> counts =
        shares(plan_.classes, static_cast<uint32_t>(has_trace() ? starts_.size() : size_));
    for (uint32_t c = 0; c < counts.size(); ++c) {
      ClassSessions of_class{.requests_left = counts[c]};
      const bool is_single = has_trace() || plan_.classes[c].turns == LengthDistribution{};
      if (is_single) of_class.sessions_left = counts[c];
      for (uint64_t left = is_single ? 0 : counts[c]; left > 0; ++of_class.sessions_left)
        left -= std::min<uint64_t>(left, turns_of(c, of_class.sessions_left));
      classes_.push_back(of_class);
    }
  }

  // Every group spans the same time: it has the share of the rate that it has of the sessions.
  void make_groups() {
    const std::vector<uint32_t> loops = loop_numbers(plan_);
    groups_.resize(plan_.classes.size() + 1);
    uint64_t sessions = 0;
    for (uint32_t c = 0; c < plan_.classes.size(); ++c) {
      Group& group = groups_[group_of(plan_, c)];
      group.classes.push_back(c);
      group.sessions_left += classes_[c].sessions_left;
      sessions += classes_[c].sessions_left;
    }
    uint64_t places = 0;
    for (size_t i = 0; i < groups_.size(); ++i) {
      Group& group = groups_[i];
      if (group.sessions_left == 0) continue;
      group.first_place = places;
      places += group.sessions_left;
      const std::string suffix = i == 0 ? "" : "/" + plan_.classes[i - 1].name;
      group.index = i;
      group.loop = loops[i];
      group.users = std::max(1U, (i == 0 ? plan_.arrivals : *plan_.classes[i - 1].arrivals).users);
      group.order = random_stream(("order" + suffix).c_str());
      if (!is_trace()) {
        const double share = static_cast<double>(group.sessions_left) / static_cast<double>(sessions);
        group.arrivals.emplace(i == 0 ? plan_.arrivals : *plan_.classes[i - 1].arrivals,
                               plan_.rate_per_s * share, plan_.seed, "arrivals" + suffix);
      }
      group.next = next_instant(group);
    }
  }

  Nanos next_instant(Group& group) {
    return group.arrivals ? group.arrivals->next() : plan_.trace->entries[starts_[group.drawn]].offset;
  }

  Group* earliest() {
    Group* earliest = nullptr;
    for (Group& group : groups_) {
      if (group.loop != 0 || group.sessions_left == 0) continue;
      if (earliest == nullptr || group.next < earliest->next) earliest = &group;
    }
    return earliest;
  }

  Group* group_of_loop(uint32_t loop) {
    const auto found = std::ranges::find(groups_, loop, &Group::loop);
    return found == groups_.end() ? nullptr : &*found;
  }

  // Draws without replacement from the sessions that are left: every order of the classes is as likely as any
  // other.
  Session draw(Group& group, Nanos offset) {
    uint64_t chosen = group.classes.size() == 1
                          ? 0
                          : Random(plan_.seed, group.order, group.drawn).below(group.sessions_left);
    size_t i = 0;
    while (chosen >= classes_[group.classes[i]].sessions_left)
      chosen -= classes_[group.classes[i++]].sessions_left;
    ++group.drawn;
    --group.sessions_left;
    const uint32_t class_index = group.classes[i];
    ClassSessions& of_class = classes_[class_index];
    --of_class.sessions_left;
    const uint32_t index = of_class.index++;
    if (has_trace()) return {class_index, index, turns_at(group.first_place + group.drawn - 1), offset};
    const uint32_t turns = std::min(of_class.requests_left, turns_of(class_index, index));
    of_class.requests_left -= turns;
    return {class_index, index, turns, offset};
  }

  // `place`: of the session in the trace, if there is one.
  void append(const Session& session, uint32_t loop, uint64_t place, std::vector<PlannedRequest>& planned) {
    const ClassStreams& of_class = streams_[session.class_index];
    const RequestId session_id = next_id_;
    const uint32_t step = id_step();
    const bool turns_add = !has_trace() || plan_.trace->turns_add;
    const uint32_t server = server_of(session);
    for (uint32_t turn = 0; turn < session.turns; ++turn) {
      PlannedRequest next{drawn_request(plan_, of_class, session, turn), session.offset};
      next.request.id = next_id_;
      next_id_ += step;
      next.request.server = server;
      if (!turns_add) next.request.last_turn = true;  // the target has nothing to keep
      if (session.turns > 1 && turns_add) next.request.session = session_id;
      if (turn == 0) {
        next.loop = loop;
      } else {
        next.previous = next.request.id - step;
        next.offset = pause(plan_, of_class, session, turn);
      }
      if (has_trace()) apply_entry(plan_, of_class, plan_.trace->entries[starts_[place] + turn], next);
      const uint64_t index = (uint64_t{session.index} << 32) | turn;
      if (next.prefix.tree == nullptr) add_prefix(plan_, of_class, index, next.request);
      add_cancellation(plan_, of_class, index, next.request);
      planned.push_back(std::move(next));
    }
  }

  TrafficPlan plan_;
  size_t size_;                   // of the whole plan
  size_t share_size_ = 0;         // of what is ours
  std::vector<uint32_t> starts_;  // of the trace's sessions, as far as the plan goes: entry of the first turn
  RequestId next_id_;
  std::vector<uint32_t> loop_users_;
  std::vector<ClassStreams> streams_;   // by class
  std::vector<ClassSessions> classes_;  // by class
  std::vector<Group> groups_;           // 0: of the classes without arrivals of their own; else class + 1
};

}  // namespace

Request complete_request(const PlannedRequest& planned) {
  Request request = planned.request;
  const PlannedPrefix& prefix = planned.prefix;
  if (prefix.tree == nullptr) return request;
  request.prefix_parts = prefix.tree->parts(prefix.node, request.prefix_tokens, prefix.seed);
  return request;
}

std::unique_ptr<PlanSource> traffic_source(TrafficPlan plan, RequestId first_id) {
  return std::make_unique<TrafficSource>(std::move(plan), first_id);
}

Nanos last_arrival(const TrafficPlan& plan) {
  return TrafficSource(plan, 1).last_arrival();
}

std::vector<PlannedRequest> materialise(const TrafficPlan& plan, RequestId first_id) {
  TrafficSource source(plan, first_id);
  return drain(source);
}

std::vector<uint32_t> loop_users(const TrafficPlan& plan) {
  const std::vector<uint32_t> numbers = loop_numbers(plan);
  std::vector<uint32_t> users;
  for (size_t group = 0; group < numbers.size(); ++group) {
    if (numbers[group] == 0) continue;
    const uint32_t all = group == 0 ? plan.arrivals.users : plan.classes[group - 1].arrivals->users;
    const auto [rank, ranks] = plan.share;
    users.push_back(all / ranks + (rank < all % ranks ? 1 : 0));
  }
  return users;
}

}  // namespace assay
