// Prefill and decode speed of one sequence as the device target serves it, from the stamps of its own events:
// the figures that compare.py holds against llama-bench's.
#include <cstdio>
#include <cstdlib>

#include "target/target.h"

namespace {

using namespace assay;

struct Stamps {
  Nanos admitted{}, first{}, last{};
};

Result<Stamps> serve_one(Target& target, Clock& clock, Request request) {
  RETURN_IF_ERROR(target.submit(request));
  Stamps stamps;
  std::vector<StreamEvent> events;
  while (true) {
    events.clear();
    RETURN_IF_ERROR(target.poll(clock.now() + nanos_from_seconds(1), events));
    for (const StreamEvent& event : events) {
      if (event.kind == StreamEventKind::kAdmitted) stamps.admitted = event.at;
      if (event.kind == StreamEventKind::kContent && stamps.first.count == 0) stamps.first = event.at;
      if (event.kind == StreamEventKind::kContent) stamps.last = event.at;
      if (event.kind == StreamEventKind::kDone) return stamps;
      if (event.kind == StreamEventKind::kFailed) return fail("the request failed: " + event.detail);
    }
  }
}

Result<Json> measure(const WorkerCommand& worker, const Json& job, uint32_t prompt, uint32_t output,
                     int repetitions) {
  SystemClock clock;
  DeviceTargetOptions options{.name = "CPU", .worker = worker, .job = job};
  const auto target = make_device_target(options, clock);
  RETURN_IF_ERROR(target->open());
  Json prefill = Json::array(), decode = Json::array();
  Request request{.id = 0, .corpus = "prose"};
  for (int i = -1; i < repetitions; ++i) {  // the first is to warm up
    if (prompt > 0) {
      request.id += 1;
      request.prompt_tokens = prompt;
      request.output_tokens = 1;
      ASSIGN_OR_RETURN(const Stamps reading, serve_one(*target, clock, request));
      if (i >= 0) prefill.push(prompt / seconds(reading.first - reading.admitted));
    }
    if (output > 0) {
      request.id += 1;
      request.prompt_tokens = 1;
      request.output_tokens = output + 1;
      ASSIGN_OR_RETURN(const Stamps writing, serve_one(*target, clock, request));
      if (i >= 0) decode.push(output / seconds(writing.last - writing.first));
    }
  }
  target->close();
  return Json::object().set("prefill", prefill).set("decode", decode);
}

}  // namespace

// serve_speed WORKER JOB PROMPT OUTPUT REPETITIONS; 0 tokens leave one out; the environment goes on to the
// worker.
int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const auto job = Json::parse(argv[2], "job");
  if (!job) return std::fprintf(stderr, "%s\n", job.error().message().c_str()), 2;
  const WorkerCommand worker{{argv[1]}, environment_subset({"*"})};
  const auto result = measure(worker, *job, static_cast<uint32_t>(std::atoi(argv[3])),
                              static_cast<uint32_t>(std::atoi(argv[4])), std::atoi(argv[5]));
  if (!result) return std::fprintf(stderr, "%s\n", result.error().message().c_str()), 1;
  std::puts(result->dump().c_str());
  return 0;
}
