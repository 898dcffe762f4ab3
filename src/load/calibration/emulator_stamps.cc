// Reading the file of stamps; see emulator_stamps.h.
#include "load/calibration/emulator_stamps.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr size_t kMostLineBytes = 64 << 20;
constexpr size_t kMostAnswers = 4'000'000;
constexpr size_t kMostTokens = 40'000'000;  // of all answers
constexpr size_t kMostIdBytes = 128;
constexpr int64_t kMostInstantNs = int64_t{1} << 62;

class StampReader {
 public:
  StampReader(std::string_view text, std::string_view where) : rest_(text), where_(where) {}

  Result<EmulatorStamps> read() {
    ASSIGN_OR_RETURN(const Json head, next_line());
    if (head["format"].as_string() != "assay emulate stamps")
      return broken("this is no file of stamps of `assay emulate`");
    if (head["version"].as_integer() != 1) return broken("the file of stamps has a version other than 1");
    if (head["clock"].as_string() != "CLOCK_MONOTONIC") return broken("its clock is not CLOCK_MONOTONIC");
    while (true) {
      ASSIGN_OR_RETURN(const Json line, next_line());
      if (line["end"].as_bool()) {
        RETURN_IF_ERROR(take_end(line));
        return std::move(stamps_);
      }
      RETURN_IF_ERROR(take_answer(line));
    }
  }

 private:
  std::unexpected<Error> broken(std::string what) const {
    return fail(std::move(what), fmt::format("{}:{}", where_, line_),
                "Use a file that `assay emulate --stamps` has finished.");
  }

  Result<Json> next_line() {
    ++line_;
    if (rest_.empty()) return broken("the file ends before its last line");
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return broken("the line has no end");
    if (end > kMostLineBytes) return broken("the line is too long");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    ASSIGN_OR_RETURN(Json json, Json::parse(line, fmt::format("{}:{}", where_, line_)));
    if (!json.is_object()) return broken("the line is no object");
    return json;
  }

  Result<void> take_end(const Json& line) {
    stamps_.lost_events = line["stamps_lost_events"].as_integer();
    stamps_.lost_requests = line["stamps_lost_requests"].as_integer();
    if (stamps_.lost_events < 0 || stamps_.lost_requests < 0) return broken("a count is negative");
    if (!rest_.empty()) return broken("something stands behind the last line");
    return {};
  }

  Result<void> take_answer(const Json& line) {
    if (stamps_.answers.size() == kMostAnswers) return broken("there are too many answers");
    StampedAnswer answer{
        .request_id = line["request_id"].as_string(),
        .is_done = line["outcome"].as_string() == "done" && line["fault"].as_string().empty()};
    if (answer.request_id.empty() || answer.request_id.size() > kMostIdBytes)
      return broken("request_id is missing or too long");
    RETURN_IF_ERROR(take_instants(line, "token_due_ns", answer.token_due_ns));
    RETURN_IF_ERROR(take_instants(line, "token_sent_ns", answer.token_sent_ns));
    if (answer.token_due_ns.size() != answer.token_sent_ns.size())
      return broken("token_due_ns and token_sent_ns differ in length");
    tokens_ += answer.token_due_ns.size();
    if (tokens_ > kMostTokens) return broken("there are too many stamps");
    stamps_.answers.push_back(std::move(answer));
    return {};
  }

  Result<void> take_instants(const Json& line, const char* key, std::vector<int64_t>& instants) const {
    if (!line[key].is_array()) return broken(fmt::format("{} is no list", key));
    instants.reserve(line[key].items().size());
    for (const Json& item : line[key].items()) {
      const int64_t at_ns = item.as_integer();
      if (!item.is_integer() || at_ns < 1 || at_ns > kMostInstantNs)
        return broken(fmt::format("{} holds something that is no instant", key));
      if (!instants.empty() && at_ns < instants.back())
        return broken(fmt::format("{} goes back in time", key));
      instants.push_back(at_ns);
    }
    return {};
  }

  std::string_view rest_;
  std::string_view where_;
  size_t line_ = 0;
  size_t tokens_ = 0;
  EmulatorStamps stamps_;
};

}  // namespace

Result<EmulatorStamps> parse_emulator_stamps(std::string_view text, std::string_view where) {
  return StampReader(text, where).read();
}

}  // namespace assay
