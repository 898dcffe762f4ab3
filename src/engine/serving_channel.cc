// Reading of orders on a thread, writing of frames without waiting.
#include "engine/serving_channel.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace assay {
namespace {

constexpr size_t kReadBytes = 1 << 16;
constexpr size_t kMaxOrders = 1 << 21;
constexpr size_t kMaxOutgoingBytes = 64 << 20;

Result<Order> parse_order(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kRequest: {
      ASSIGN_OR_RETURN(Request request, parse_request(frame.payload));
      return Order(std::move(request));
    }
    case FrameKind::kCancel: {
      ASSIGN_OR_RETURN(const RequestId id, parse_cancel(frame.payload));
      return Order(CancelOrder{id});
    }
    case FrameKind::kStop:
      return Order(StopOrder{});
    default:
      return fail("a frame that only a worker sends came to the worker");
  }
}

}  // namespace

ServingChannel::ServingChannel(int fd) : fd_(fd) {
  int pipe[2];
  CHECK(::pipe(pipe) == 0);
  wake_read_ = pipe[0];
  wake_write_ = pipe[1];
  reader_ = std::thread([this] { read_frames(); });
}

ServingChannel::~ServingChannel() {
  ::close(wake_write_);  // the reader sees the end of the pipe and leaves
  reader_.join();
  ::close(wake_read_);
}

void ServingChannel::read_frames() {
  std::string buffer;
  std::vector<char> chunk(kReadBytes);
  while (true) {
    pollfd fds[] = {{fd_, POLLIN, 0}, {wake_read_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return end_input(errno_text(errno));
    if (fds[1].revents != 0) return;
    if (fds[0].revents == 0) continue;
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return end_input("");
    buffer.append(chunk.data(), static_cast<size_t>(n));
    if (!parse_buffer(buffer)) return;
  }
}

bool ServingChannel::parse_buffer(std::string& buffer) {
  size_t used = 0;
  std::vector<Order> parsed;
  std::string problem;
  while (true) {
    const auto frame = next_frame(std::string_view(buffer).substr(used));
    if (frame && frame->total_bytes == 0) break;
    auto order = frame ? parse_order(*frame) : std::unexpected(frame.error());
    if (!order) {
      problem = order.error().what;
      break;
    }
    parsed.push_back(std::move(*order));
    used += frame->total_bytes;
  }
  buffer.erase(0, used);
  if (parsed.empty() && problem.empty()) return true;
  const std::lock_guard lock(mutex_);
  // What came whole before a broken frame counts, however the bytes were cut.
  problem_ = std::move(problem);
  input_ended_ = !problem_.empty();
  if (orders_.size() + parsed.size() > kMaxOrders) {
    problem_ = "more requests came than a worker can keep in mind";
    input_ended_ = true;
  } else {
    orders_.insert(orders_.end(), std::make_move_iterator(parsed.begin()),
                   std::make_move_iterator(parsed.end()));
  }
  arrived_.notify_one();
  return !input_ended_;
}

void ServingChannel::end_input(std::string problem) {
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
  input_ended_ = true;
  arrived_.notify_one();
}

Result<std::vector<Order>> ServingChannel::take(bool wait) {
  if (wait) flush();
  std::vector<Order> taken;
  std::unique_lock lock(mutex_);
  if (wait) arrived_.wait(lock, [this] { return !orders_.empty() || input_ended_; });
  taken.swap(orders_);
  if (taken.empty() && input_ended_) {
    if (!problem_.empty()) return fail("the worker cannot read its orders: " + problem_, "descriptor 3");
    taken.emplace_back(StopOrder{});
  }
  return taken;
}

bool ServingChannel::write_some(bool wait) {
  while (sent_ < outgoing_.size() && !peer_is_gone_) {
    const ssize_t n =
        ::send(fd_, outgoing_.data() + sent_, outgoing_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      sent_ += static_cast<size_t>(n);
    } else if (errno == EAGAIN && wait) {
      pollfd fd{fd_, POLLOUT, 0};
      ::poll(&fd, 1, -1);
    } else if (errno == EAGAIN) {
      outgoing_.erase(0, sent_);
      sent_ = 0;
      return true;
    } else if (errno != EINTR) {
      peer_is_gone_ = true;
    }
  }
  outgoing_.clear();
  sent_ = 0;
  return !peer_is_gone_;
}

void ServingChannel::flush() {
  write_some(true);
}

void ServingChannel::send_ready(const Json& info) {
  append_ready_frame(info, outgoing_);
  flush();
}

void ServingChannel::send_fatal(const Error& error) {
  append_fatal_frame(error, outgoing_);
  flush();
}

Result<void> ServingChannel::send_events(std::span<const StreamEvent> events) {
  if (!events.empty()) append_events_frame(events, outgoing_);
  if (!write_some(false)) return fail("assay has closed the worker's socket", "descriptor 3");
  if (outgoing_.size() - sent_ > kMaxOutgoingBytes)
    return fail("assay does not read the worker's events", "descriptor 3");
  return {};
}

}  // namespace assay
