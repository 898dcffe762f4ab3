// What a run of the emulator was, for people and programs.
#include <fmt/format.h>

#include "emulate/emulate.h"

namespace assay {
namespace {

std::string microseconds(int64_t ns) {
  return format_number(static_cast<double>(ns) / 1e3) + " µs";
}

}  // namespace

Json EmulatorSummary::to_json() const {
  Json late = Json::object();
  late.set("n", lateness_ns.count());
  late.set("mean_ns", lateness_ns.mean());
  for (const auto& [name, p] :
       {std::pair{"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p99.9_ns", 0.999}})
    late.set(name, lateness_ns.quantile(p).value_or(0));
  late.set("max_ns", lateness_ns.max());
  return Json::Object{{"connections", connections},
                      {"requests", requests},
                      {"answered", answered},
                      {"cancelled", cancelled},
                      {"faulted", faulted},
                      {"refused", refused},
                      {"refused_unread", refused_unread},
                      {"tokens", tokens},
                      {"events", events},
                      {"held_events", held_events},
                      {"connections_turned_away", turned_away},
                      {"connections_timed_out", timed_out},
                      {"requests_without_kernel_stamp", server_stamped},
                      {"clock_jumps", clock_jumps},
                      {"stamps_lost_events", lost_events},
                      {"stamps_lost_requests", lost_requests},
                      {"wall_s", seconds(wall)},
                      {"cpu_s", seconds(cpu)},
                      {"lateness", late}};
}

std::string EmulatorSummary::text() const {
  std::string out = fmt::format(
      "requests     {}: {} answered, {} cancelled by their clients, {} with a fault, {} refused; {}\n",
      requests, answered, cancelled, faulted, refused,
      counted(static_cast<int64_t>(connections), "connection"));
  out += fmt::format("tokens       {} in {} sends; {} s, {} s of CPU time\n", tokens, events,
                     format_number(seconds(wall)), format_number(seconds(cpu)));
  if (lateness_ns.count() > 0) {
    out += fmt::format("lateness     p50 {}, p99 {}, p99.9 {}, most {} (actual send less the due instant)\n",
                       microseconds(*lateness_ns.quantile(0.5)), microseconds(*lateness_ns.quantile(0.99)),
                       microseconds(*lateness_ns.quantile(0.999)), microseconds(lateness_ns.max()));
  }
  const auto warn = [&](uint64_t count, std::string_view words) {
    if (count > 0) out += fmt::format("⚠ {} {}\n", count, words);
  };
  warn(held_events, "sends waited for a client that did not read; they are not part of the lateness");
  warn(turned_away, "connections were turned away: raise the limit of open files (ulimit -n)");
  warn(timed_out, "connections were closed because their request did not arrive in time");
  warn(refused_unread, "requests for no path or method that is served, no HTTP, or beyond its bounds");
  warn(server_stamped, "requests have no kernel stamp: they count from when they were read");
  warn(clock_jumps, "jumps of the wall clock: arrivals around them are doubtful");
  warn(lost_events,
       "tokens and their stamps did not fit into memory and are not in the file: raise --stamps-events");
  warn(lost_requests, "requests did not fit into memory and are not in the file of stamps");
  return out;
}

}  // namespace assay
