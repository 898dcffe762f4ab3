// From classes to requests: how many of each, in which order, at which instants, how long each is. Every draw
// names what it decides (its stream) and for which request (its index), so that nothing depends on the order
// of evaluation.
#include "workload/traffic.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace assay {
namespace {

// The streams of one class, hashed once.
struct ClassStreams {
  explicit ClassStreams(const std::string& name)
      : turns(stream("turns", name)),
        order(stream("order", name)),
        prompt(stream("prompt tokens", name)),
        output(stream("output tokens", name)),
        text(stream("prompt text", name)),
        prefix(stream("prefix text", name)),
        think(stream("think time", name)) {}

  static uint64_t stream(const char* what, const std::string& name) {
    return random_stream((std::string(what) + "/" + name).c_str());
  }

  uint64_t turns, order, prompt, output, text, prefix, think;
};

// One session of a class, or one request on its own (turns == 1).
struct Session {
  uint64_t order = 0;  // random: sessions start in this order
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

// All sessions of the plan in the order in which they start.
std::vector<Session> ordered_sessions(const TrafficPlan& plan, const std::vector<ClassStreams>& streams,
                                      uint32_t total) {
  const std::vector<uint32_t> counts = shares(plan.classes, total);
  std::vector<Session> sessions;
  for (uint32_t c = 0; c < plan.classes.size(); ++c) {
    uint32_t left = counts[c];
    for (uint32_t index = 0; left > 0; ++index) {
      Random turns_random(plan.seed, streams[c].turns, index);
      const bool single = plan.arrivals.kind == Arrivals::Kind::kTrace;
      const uint32_t turns = single ? 1 : std::min(left, plan.classes[c].turns.draw(turns_random));
      sessions.push_back({Random(plan.seed, streams[c].order, index).next(), c, index, turns});
      left -= turns;
    }
  }
  std::sort(sessions.begin(), sessions.end(), [](const Session& a, const Session& b) {
    return std::tie(a.order, a.class_index, a.index) < std::tie(b.order, b.class_index, b.index);
  });
  return sessions;
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
  if (plan.arrivals.kind == Arrivals::Kind::kClosed) numbers[0] = ++loops;
  for (uint32_t c = 0; c < plan.classes.size(); ++c) {
    if (group_of(plan, c) != 0 && arrivals_of(plan, c).kind == Arrivals::Kind::kClosed)
      numbers[c + 1] = ++loops;
  }
  return numbers;
}

// Sets when each session starts and orders them by that. Every group spans the same time: it has the share of
// the rate that it has of the sessions.
void schedule(const TrafficPlan& plan, std::vector<Session>& sessions) {
  std::vector<std::vector<Session*>> groups(plan.classes.size() + 1);
  for (Session& session : sessions) groups[group_of(plan, session.class_index)].push_back(&session);
  for (size_t group = 0; group < groups.size(); ++group) {
    const std::vector<Session*>& members = groups[group];
    if (members.empty()) continue;
    const Arrivals& arrivals = group == 0 ? plan.arrivals : *plan.classes[group - 1].arrivals;
    if (arrivals.kind == Arrivals::Kind::kTrace) {
      for (size_t i = 0; i < members.size(); ++i) members[i]->offset = plan.trace[i].offset;
      continue;
    }
    const double share = static_cast<double>(members.size()) / static_cast<double>(sessions.size());
    const std::string stream = group == 0 ? "arrivals" : "arrivals/" + plan.classes[group - 1].name;
    const std::vector<Nanos> offsets =
        arrival_offsets(arrivals, plan.rate_per_s * share, plan.seed, stream, members.size());
    for (size_t i = 0; i < members.size(); ++i) members[i]->offset = offsets[i];
  }
  // The pauses of a closed loop are no instants: its sessions keep their order, before the others.
  const auto key = [&](const Session& session) {
    return arrivals_of(plan, session.class_index).kind == Arrivals::Kind::kClosed ? Nanos(-1)
                                                                                  : session.offset;
  };
  std::ranges::stable_sort(sessions, {}, key);
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
  request.prompt_seed = Random(plan.seed, streams.text, index).next();
  request.prompt_tokens = c.prompt_tokens.draw(prompt_random);
  request.output_tokens = c.output_tokens.draw(output_random);
  return request;
}

// The shared prefix stands at the head of a session's first prompt and leaves at least one token of its own
// behind it.
void add_prefix(const TrafficPlan& plan, const ClassStreams& streams, Request& request) {
  if (request.turn > 0) return;
  const TrafficClass& c = plan.classes[request.class_index];
  request.prefix_tokens = std::min(c.prefix_tokens, request.prompt_tokens - 1);
  if (request.prefix_tokens > 0) request.prefix_seed = Random(plan.seed, streams.prefix, 0).next();
}

Nanos pause(const TrafficPlan& plan, const ClassStreams& streams, const Session& session, uint32_t turn) {
  const uint64_t index = (uint64_t{session.index} << 32) | turn;
  return nanos_from_seconds(Random(plan.seed, streams.think, index).exponential() *
                            plan.classes[session.class_index].think_time_s);
}

}  // namespace

std::vector<PlannedRequest> materialise(const TrafficPlan& plan, RequestId first_id) {
  CHECK(!plan.classes.empty() && first_id > 0);
  uint32_t total = plan.requests;
  if (plan.arrivals.kind == Arrivals::Kind::kTrace) {
    const auto rows = static_cast<uint32_t>(std::min<size_t>(plan.trace.size(), UINT32_MAX));
    total = total == 0 ? rows : std::min(total, rows);
  }
  std::vector<ClassStreams> streams;
  for (const TrafficClass& c : plan.classes) streams.emplace_back(c.name);
  std::vector<Session> sessions = ordered_sessions(plan, streams, total);
  schedule(plan, sessions);
  const std::vector<uint32_t> loops = loop_numbers(plan);

  std::vector<PlannedRequest> planned;
  planned.reserve(total);
  for (size_t i = 0; i < sessions.size(); ++i) {
    const Session& session = sessions[i];
    const ClassStreams& of_class = streams[session.class_index];
    const RequestId session_id = first_id + planned.size();
    for (uint32_t turn = 0; turn < session.turns; ++turn) {
      PlannedRequest next{drawn_request(plan, of_class, session, turn), session.offset, 0};
      next.request.id = first_id + planned.size();
      if (session.turns > 1) next.request.session = session_id;
      if (turn == 0) {
        next.loop = loops[group_of(plan, session.class_index)];
      } else {
        next.previous = next.request.id - 1;
        next.offset = pause(plan, of_class, session, turn);
      }
      if (plan.arrivals.kind == Arrivals::Kind::kTrace) {
        next.request.prompt_tokens = plan.trace[i].prompt_tokens;
        next.request.output_tokens = plan.trace[i].output_tokens;
      }
      add_prefix(plan, of_class, next.request);
      planned.push_back(next);
    }
  }
  return planned;
}

std::vector<uint32_t> loop_users(const TrafficPlan& plan) {
  const std::vector<uint32_t> numbers = loop_numbers(plan);
  std::vector<uint32_t> users;
  for (size_t group = 0; group < numbers.size(); ++group) {
    if (numbers[group] == 0) continue;
    users.push_back(group == 0 ? plan.arrivals.users : plan.classes[group - 1].arrivals->users);
  }
  return users;
}

}  // namespace assay
