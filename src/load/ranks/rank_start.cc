// The talk before a trial of several ranks; see rank_start.h. Messages are JSON objects with a member "kind".
#include "load/ranks/rank_start.h"

#include <fmt/format.h>

namespace assay {
namespace {

// Opening a target may load a model, and others may have to wait for a burst before it.
constexpr Nanos kLongestOpening = nanos_from_seconds(1200);
constexpr Nanos kLongestTalk = nanos_from_seconds(60);
// From the last message to the start: for the messages' way, MPI's own end, and the more ranks the longer.
constexpr Nanos kStartLead = nanos_from_seconds(1);
constexpr Nanos kStartLeadPerRank = nanos_from_ms(2);

Json start_message(const AgreedStart& start) {
  return Json::object()
      .set("kind", "start")
      .set("at_ns", start.at.count)
      .set("at_rank_0_ns", start.at_rank_0.count)
      .set("offset_ns", start.clock.offset.count)
      .set("error_ns", start.clock.error.count)
      .set("round_trip_ns", start.clock.round_trip.count)
      .set("rounds", start.clock.rounds);
}

AgreedStart start_of(const Json& message) {
  return {.at = Nanos(message["at_ns"].as_integer()),
          .at_rank_0 = Nanos(message["at_rank_0_ns"].as_integer()),
          .clock = {.offset = Nanos(message["offset_ns"].as_integer()),
                    .error = Nanos(message["error_ns"].as_integer()),
                    .round_trip = Nanos(message["round_trip_ns"].as_integer()),
                    .rounds = static_cast<uint32_t>(message["rounds"].as_integer())}};
}

}  // namespace

RankStart::RankStart(RankLink& link, Clock& clock, std::string run, std::vector<std::string> hosts)
    : link_(link), clock_(clock), run_(std::move(run)), hosts_(std::move(hosts)), is_silent_(link.ranks()) {
  CHECK(hosts_.size() == link_.ranks());
}

std::string RankStart::name_of_rank(uint32_t rank) const {
  return fmt::format("rank {} on {}", rank, printable(hosts_[rank], 80));
}

std::unexpected<Error> RankStart::lost(uint32_t rank, const Error& error) {
  is_silent_[rank] = 1;
  return fail(fmt::format("{}: {}", name_of_rank(rank), error.what), "", error.remedy);
}

Result<void> RankStart::send(uint32_t rank, const std::string& text) {
  Result<void> sent = link_.send(rank, text, clock_.now() + kLongestTalk);
  return sent ? sent : lost(rank, sent.error());
}

// An object that is not the word of a failure.
Result<Json> RankStart::next_from(uint32_t rank, Nanos longest) {
  Result<std::string> text = link_.receive(rank, clock_.now() + longest);
  if (!text) return lost(rank, text.error());
  ASSIGN_OR_RETURN(Json message, Json::parse(*text, name_of_rank(rank)));
  if (message["kind"].as_string() != "failed") return message;
  has_rank_0_ended_it_ = has_rank_0_ended_it_ || rank == 0;
  const std::string& why = message["why"].as_string();
  // Rank 0 passes on what another told it, with its name.
  return fail(rank == 0 ? why : fmt::format("{}: {}", name_of_rank(rank), why));
}

Result<void> RankStart::tell(const AgreedTraffic& traffic) {
  CHECK(leads() && !is_over_);
  const std::string text = Json::object()
                               .set("kind", "traffic")
                               .set("rate_per_s", traffic.rate_per_s)
                               .set("left_s", traffic.left_s)
                               .set("first_id", static_cast<int64_t>(traffic.first_id))
                               .set("rate_conditions", traffic.rate_conditions)
                               .dump();
  for (uint32_t rank = 1; rank < link_.ranks(); ++rank) RETURN_IF_ERROR(send(rank, text));
  return {};
}

Result<AgreedTraffic> RankStart::hear() {
  CHECK(!leads() && !is_over_);
  ASSIGN_OR_RETURN(const Json message, next_from(0, kLongestOpening));
  return AgreedTraffic{.rate_per_s = message["rate_per_s"].as_number(1),
                       .left_s = message["left_s"].as_number(),
                       .first_id = static_cast<RequestId>(message["first_id"].as_integer(1)),
                       .rate_conditions = message["rate_conditions"]};
}

Result<AgreedStart> RankStart::agree() {
  CHECK(!is_over_);
  Result<AgreedStart> start = leads() ? lead() : follow();
  if (!start) {
    give_up(start.error().what);
    return start;
  }
  is_over_ = true;
  RETURN_IF_ERROR(link_.leave());
  return start;
}

Result<AgreedStart> RankStart::lead() {
  for (uint32_t rank = 1; rank < link_.ranks(); ++rank) RETURN_IF_ERROR(next_from(rank, kLongestOpening));
  std::vector<AgreedStart> starts(link_.ranks());
  for (uint32_t rank = 1; rank < link_.ranks(); ++rank) {
    RETURN_IF_ERROR(send(rank, Json::object().set("kind", "clock").dump()));
    const Result<RankClock> measured = measure_rank_clock(link_, rank, clock_, clock_.now() + kLongestTalk);
    if (!measured) return lost(rank, measured.error());
    starts[rank].clock = *measured;
  }
  const Nanos at = clock_.now() + kStartLead + kStartLeadPerRank * link_.ranks();
  for (uint32_t rank = 0; rank < link_.ranks(); ++rank) {
    starts[rank].at = at + starts[rank].clock.offset;
    starts[rank].at_rank_0 = at;
    if (rank == 0) continue;
    RETURN_IF_ERROR(send(rank, start_message(starts[rank]).dump()));
  }
  return starts[0];
}

Result<AgreedStart> RankStart::follow() {
  RETURN_IF_ERROR(send(0, Json::object().set("kind", "ready").dump()));
  // The others may still be opening theirs.
  ASSIGN_OR_RETURN(const Json word, next_from(0, kLongestOpening));
  if (word["kind"].as_string() != "clock") return fail("rank 0 did not go on as agreed");
  if (Result<void> answered = answer_clock(link_, clock_, clock_.now() + kLongestTalk); !answered)
    return lost(0, answered.error());
  ASSIGN_OR_RETURN(const Json message, next_from(0, kLongestOpening));
  if (message["kind"].as_string() != "start") return fail("rank 0 did not go on as agreed");
  return start_of(message);
}

void RankStart::give_up(const std::string& why) {
  if (is_over_) return;
  is_over_ = true;
  const std::string text = Json::object().set("kind", "failed").set("why", why).dump();
  if (leads()) {
    for (uint32_t rank = 1; rank < link_.ranks(); ++rank) {
      if (is_silent_[rank] == 0) static_cast<void>(send(rank, text));
    }
  } else if (!has_rank_0_ended_it_ && is_silent_[0] == 0 && send(0, text)) {
    // Rank 0 then ends it for all. What it said before is read over.
    for (Result<Json> word = next_from(0, kLongestOpening); word; word = next_from(0, kLongestOpening)) {
    }
  }
  // The end of the talk needs everybody; without those who are gone it would never come.
  for (const uint8_t is_silent : is_silent_) {
    if (is_silent != 0) return;
  }
  static_cast<void>(link_.leave());
}

}  // namespace assay
