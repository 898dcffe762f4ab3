// A server that only sends: what of `assay emulate`'s lateness is the kernel's. Whatever arrives on a
// connection is a request; its answer is a head, then an event every gap, all of the same bytes, in one send
// each. No request is read, nothing is written down but how late each send was.
//   bench/bare_server [--tokens N] [--ttft-ms MS] [--gap-ms MS]
// The first line is the port. SIGINT or SIGTERM ends it, with a line of what it did.
#include <fmt/format.h>
#include <sys/epoll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "measure/measure.h"
#include "os/os.h"

namespace {

using namespace assay;

volatile std::sig_atomic_t g_ended = 0;

struct Options {
  uint32_t tokens = 100;
  double ttft_ms = 50;
  double gap_ms = 50;
};

struct Stream {
  FileDescriptor fd;
  uint32_t sent = 0;
  Nanos due{};
};

std::string event_text(std::string_view tail) {
  const std::string_view event =
      R"(data: {"id":"chatcmpl-00000000","object":"chat.completion.chunk","created":1700000000,)"
      R"("model":"emulated","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]})"
      "\n\n";
  return fmt::format("{:x}\r\n{}\r\n{}", event.size(), event, tail);
}

// Streams in the order in which they are due. All gaps are the same, so what was just sent is due last; only
// a first token may come between.
class Bare {
 public:
  Bare(const Options& options, FileDescriptor listener)
      : options_(options), listener_(std::move(listener)), epoll_(::epoll_create1(0)) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event);
    streams_.emplace_back();  // 0 is the listener
    first_ =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + next_;
  }

  void run() {
    while (g_ended == 0) {
      send_due();
      poll();
    }
  }

  void tell() {
    if (lateness_ns_.count() == 0) return fmt::print("nothing sent\n");
    const auto at_us = [&](double p) { return static_cast<double>(*lateness_ns_.quantile(p)) / 1e3; };
    fmt::print("{} events, {:.0f} a second, {} not sent; lateness p50 {:.1f} µs, p99 {:.1f}, p99.9 {:.1f}\n",
               lateness_ns_.count(), static_cast<double>(lateness_ns_.count()) / seconds(last_at_ - begin_),
               failed_, at_us(0.5), at_us(0.99), at_us(0.999));
  }

 private:
  void send_due() {
    Nanos now = clock_.now();
    // At most so many before requests are looked at again.
    for (int n = 0; n < 64 && take_next(now); ++n) now = clock_.now();
  }

  bool take_next(Nanos now) {
    std::deque<size_t>& queue = nearer();
    if (queue.empty() || streams_[queue.front()].due > now) return false;
    const size_t index = queue.front();
    queue.pop_front();
    Stream& stream = streams_[index];
    if (!stream.fd.valid()) return true;  // its client is gone
    const bool is_first = stream.sent == 0, is_last = stream.sent + 1 == options_.tokens;
    const Transfer sent = assay::send(stream.fd.get(), is_last ? last_ : is_first ? first_ : next_);
    lateness_ns_.add((now - stream.due).count);
    failed_ += sent.state != Transfer::State::kMoved;
    last_at_ = now;
    ++stream.sent;
    if (is_last) return true;
    stream.due += nanos_from_ms(options_.gap_ms);
    following_.push_back(index);
    return true;
  }

  std::deque<size_t>& nearer() {
    if (beginning_.empty()) return following_;
    if (following_.empty()) return beginning_;
    return streams_[beginning_.front()].due < streams_[following_.front()].due ? beginning_ : following_;
  }

  void poll() {
    epoll_event ready[64];
    const int n = ::epoll_wait(epoll_.get(), ready, 64, 0);
    for (int i = 0; i < n; ++i) {
      const size_t index = ready[i].data.u64;
      index == 0 ? accept() : read(index);
    }
  }

  void accept() {
    FileDescriptor fd = accept_connection(listener_.get());
    if (!fd.valid()) return;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = streams_.size()}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event);
    streams_.push_back({.fd = std::move(fd)});
  }

  void read(size_t index) {
    Stream& stream = streams_[index];
    const Transfer transfer = receive(stream.fd.get(), buffer_);
    if (transfer.state == Transfer::State::kEnd || transfer.state == Transfer::State::kFailed)
      return stream.fd.reset();
    const bool is_answering = stream.sent > 0 && stream.sent < options_.tokens;
    if (transfer.state != Transfer::State::kMoved || is_answering) return;  // the rest of a request, say
    const Nanos now = clock_.now();
    if (begin_ == Nanos()) begin_ = now;
    stream.sent = 0;
    stream.due = now + nanos_from_ms(options_.ttft_ms);
    beginning_.push_back(index);
  }

  Options options_;
  FileDescriptor listener_, epoll_;
  SystemClock clock_;
  std::string first_, next_ = event_text(""), last_ = event_text("0\r\n\r\n");
  std::vector<Stream> streams_;
  std::deque<size_t> beginning_, following_;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  Histogram lateness_ns_;
  int64_t failed_ = 0;
  Nanos begin_{}, last_at_{};
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A server that only sends");
  app.add_option("--tokens", options.tokens)->check(CLI::Range(2, 1'000'000));
  app.add_option("--ttft-ms", options.ttft_ms);
  app.add_option("--gap-ms", options.gap_ms);
  CLI11_PARSE(app, argc, argv);
  raise_open_files_limit();
  for (int sign : {SIGINT, SIGTERM}) std::signal(sign, [](int) { g_ended = 1; });
  auto listener = listen_on_loopback();
  if (!listener) return fmt::print("{}\n", listener.error().message()), 1;
  fmt::print("{}\n", listener->address.port());
  std::fflush(stdout);
  Bare bare(options, std::move(listener->fd));
  bare.run();
  bare.tell();
  return 0;
}
