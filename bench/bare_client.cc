// A client that only receives and counts: the ceiling that any load generator can reach, and the way to see
// what `assay emulate` can send. N streams, each asking anew when its answer has ended; `data:` events are
// counted by their bracket, of which each has one.
//   bench/bare_client PORT [--streams N] [--tokens N] [--seconds S | --requests N] [--stamps] [--ramp-ms MS]
// Plain recv; with --stamps recvmsg with the kernel's receive stamps, as a careful client reads.
#include <fmt/format.h>
#include <sys/epoll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "http/http.h"
#include "os/os.h"

namespace {

using namespace assay;

struct Options {
  uint16_t port = 0;
  size_t streams = 16;
  uint32_t tokens = 256;
  double seconds = 5;   // that are counted, from half a second after the last stream's start
  size_t requests = 0;  // above 0: ends when so many are answered, and all of them are counted
  bool stamps = false;
  double ramp_ms = 0;  // between the first stream's start and the last's
};

struct Counts {
  uint64_t events = 0, reads = 0, answers = 0, stamped = 0, failures = 0;
};

std::string request_text(const Options& options) {
  const std::string body = fmt::format(
      R"({{"model":"m","messages":[{{"role":"user","content":"How fast?"}}],"max_tokens":{},"stream":true}})",
      options.tokens);
  std::string text;
  append_request(
      {.method = "POST", .target = "/v1/chat/completions", .host = "127.0.0.1", .fields = {}, .body = body},
      text);
  return text;
}

// One read; true if it ended an answer.
bool drain(int fd, std::vector<char>& buffer, bool stamps, Counts& counts, bool& gone) {
  size_t bytes = 0;
  if (stamps) {
    const Transfer transfer = receive(fd, buffer);
    if (transfer.state == Transfer::State::kMoved) bytes = transfer.bytes;
    gone = transfer.state == Transfer::State::kEnd || transfer.state == Transfer::State::kFailed;
    counts.stamped += transfer.realtime > Nanos();
  } else {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    gone = n == 0 || (n < 0 && errno != EAGAIN);
    if (n > 0) bytes = static_cast<size_t>(n);
  }
  if (bytes == 0) return false;
  ++counts.reads;
  counts.events += static_cast<uint64_t>(std::count(buffer.data(), buffer.data() + bytes, '['));
  return bytes >= 7 && std::memcmp(buffer.data() + bytes - 7, "\r\n0\r\n\r\n", 7) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A client that only receives and counts");
  app.add_option("port", options.port)->required();
  app.add_option("--streams", options.streams);
  app.add_option("--tokens", options.tokens);
  auto* seconds_option = app.add_option("--seconds", options.seconds);
  app.add_option("--requests", options.requests)->excludes(seconds_option);
  app.add_flag("--stamps", options.stamps);
  app.add_option("--ramp-ms", options.ramp_ms);
  CLI11_PARSE(app, argc, argv);
  const bool is_counted = options.requests > 0;
  if (is_counted) options.streams = std::min(options.streams, options.requests);
  raise_open_files_limit();

  SystemClock clock;
  const auto addresses = resolve("127.0.0.1", options.port);
  const int epoll = ::epoll_create1(0);
  std::vector<FileDescriptor> sockets;
  for (size_t i = 0; i < options.streams; ++i) {
    auto fd = start_connect(addresses->front());
    if (!fd) return fmt::print("{}\n", fd.error().message()), 1;
    int state = EINPROGRESS;
    while ((state = connect_error(fd->get())) == EINPROGRESS) clock.sleep_until(clock.now() + Nanos(20'000));
    if (state != 0) return fmt::print("127.0.0.1:{}: {}\n", options.port, std::strerror(state)), 1;
    if (options.stamps) enable_receive_stamps(fd->get());
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd->get(), &event);
    sockets.push_back(std::move(*fd));
  }

  const std::string request = request_text(options);
  std::vector<char> buffer(1 << 20);
  Counts counts, before;
  size_t started = 0;
  const Nanos begin = clock.now();
  const Nanos ramp = nanos_from_ms(options.ramp_ms);
  // At random within the ramp, so that the streams do not fall into step with each other.
  std::vector<Nanos> starts;
  for (size_t i = 0; i < options.streams; ++i)
    starts.push_back(Nanos(static_cast<int64_t>(static_cast<double>(ramp.count) *
                                                Random(1, random_stream("ceiling starts"), i).uniform())));
  std::sort(starts.begin(), starts.end());
  Nanos measured_from{}, cpu_from{};
  while (true) {
    const Nanos now = clock.now();
    while (started < options.streams && now >= begin + starts[started])
      assay::send(sockets[started++].get(), request);
    const bool all_run = started == options.streams && now >= begin + ramp + nanos_from_ms(500);
    if (measured_from == Nanos() && (is_counted || all_run)) {
      measured_from = now;
      cpu_from = clock.cpu_time();
      before = counts;
    }
    if (is_counted && counts.answers >= options.requests) break;
    if (counts.failures == options.streams) break;  // the server is gone
    if (!is_counted && measured_from > Nanos() && now >= measured_from + nanos_from_seconds(options.seconds))
      break;
    epoll_event ready[256];
    // A stream's start may be late by the time that this waits; nothing is spun away that others would not.
    const int n = ::epoll_wait(epoll, ready, 256, started < options.streams ? 1 : 10);
    for (int i = 0; i < n; ++i) {
      const size_t stream = ready[i].data.u64;
      bool gone = false;
      if (drain(sockets[stream].get(), buffer, options.stamps, counts, gone)) {
        ++counts.answers;
        if (!is_counted || counts.answers + options.streams <= options.requests)
          assay::send(sockets[stream].get(), request);
      }
      if (gone) {
        ++counts.failures;  // also of a stream that had nothing left to ask: no server closes it before
        ::epoll_ctl(epoll, EPOLL_CTL_DEL, sockets[stream].get(), nullptr);
      }
    }
  }
  const double wall_s = seconds(clock.now() - measured_from), cpu_s = seconds(clock.cpu_time() - cpu_from);
  const auto events = static_cast<double>(counts.events - before.events);
  const auto reads = static_cast<double>(counts.reads - before.reads);
  fmt::print(
      "{} streams, {} tokens, {}: {:.0f} events/s, {:.2f} events a read, {} answers, {} failures, {} stamped reads; "
      "client {:.2f} CPU-s of {:.2f} s: {:.0f} events per CPU-second\n",
      options.streams, options.tokens, options.stamps ? "stamps" : "recv", events / wall_s,
      reads == 0 ? 0 : events / reads, counts.answers - before.answers, counts.failures, counts.stamped,
      cpu_s, wall_s, events / cpu_s);
  return counts.failures == 0 ? 0 : 1;
}
