// Writing stamps as JSON lines; see stamps.h.
#include "emulate/stamps.h"

#include "base/base.h"
#include "emulate/events.h"

namespace assay {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

void append_head(const StampedRequest& request, std::string& out) {
  append_format(out,
                R"({{"request_id":"{}","index":{},"path":"{}","outcome":"{}","fault":"{}","arrival_ns":{},)"
                R"("arrival_by":"{}","start_ns":{},"prompt_tokens":{},"output_tokens":{},)",
                json_escaped(request.request_id), request.index, request.path, request.outcome, request.fault,
                request.arrival.count, request.kernel_stamp ? "kernel" : "server", request.start.count,
                request.prompt_tokens, request.output_tokens);
}

}  // namespace

Result<StampBook> StampBook::create(const std::string& path, size_t events, const Json& header) {
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  const std::string line = header.dump() + "\n";
  RETURN_IF_ERROR(file.append(bytes_of(line)));
  StampBook book(std::move(file), events);
  book.events_.reserve(events);
  return book;
}

uint32_t StampBook::begin(StampedRequest request) {
  if (requests_.size() == capacity_ || requests_.size() == kNoRow) {
    ++lost_requests_;
    return kNoRow;
  }
  requests_.push_back(std::move(request));
  return static_cast<uint32_t>(requests_.size() - 1);
}

Result<void> StampBook::append_requests() {
  // Events of one request lie apart from each other: sorted by request, in the order in which they were sent.
  std::vector<size_t> begins(requests_.size() + 1, 0);
  for (const Event& event : events_) ++begins[event.row + 1];
  for (size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
  std::vector<uint32_t> order(events_.size());
  std::vector<size_t> at(begins.begin(), begins.end() - 1);
  for (size_t i = 0; i < events_.size(); ++i) order[at[events_[i].row]++] = static_cast<uint32_t>(i);

  std::string out;
  for (size_t row = 0; row < requests_.size(); ++row) {
    const StampedRequest& request = requests_[row];
    append_head(request, out);
    for (const bool due : {true, false}) {
      out += due ? R"("token_due_ns":[)" : R"(],"token_sent_ns":[)";
      bool first = true;
      for (size_t i = begins[row]; i < begins[row + 1]; ++i) {
        const Event& event = events_[order[i]];
        for (uint32_t k = 0; k < event.tokens; ++k) {
          append_format(out, "{}{}", first ? "" : ",", (due ? event.due : event.sent).count);
          first = false;
        }
      }
    }
    append_format(out, "],\"end_due_ns\":{},\"end_sent_ns\":{}}}\n", request.end_due.count,
                  request.end_sent.count);
    if (out.size() < kPieceBytes) continue;
    RETURN_IF_ERROR(file_.append(bytes_of(out)));
    out.clear();
  }
  return file_.append(bytes_of(out));
}

void StampBook::write_out() {
  if (written_) written_ = append_requests();
  requests_.clear();
  events_.clear();
  if (!written_) capacity_ = 0;
}

Result<void> StampBook::finish(const Json& summary) {
  write_out();
  RETURN_IF_ERROR(written_);
  const std::string line = summary.dump() + "\n";
  RETURN_IF_ERROR(file_.append(bytes_of(line)));
  return file_.commit();
}

}  // namespace assay
