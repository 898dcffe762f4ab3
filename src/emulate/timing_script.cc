// The script timing: a file of JSON lines, one a request, used over again from its beginning where it ends.
#include <fmt/format.h>

#include "emulate/timing.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr int64_t kMaxScriptBytes = 256 << 20;
constexpr double kMaxMs = 86'400'000;

struct ScriptLine {
  Nanos ttft{};
  std::vector<Nanos> gaps;
  uint32_t tokens = 0;
};

class ScriptTiming final : public TimingModel {
 public:
  ScriptTiming(std::vector<ScriptLine> lines, Nanos gap) : lines_(std::move(lines)), gap_(gap) {}

  uint32_t answer_tokens(uint64_t index) const override { return line(index).tokens; }
  void arrive(const TimedRequest& request, std::vector<Admission>& admitted) override {
    ++running_;
    const ScriptLine& says = line(request.index);
    admitted.push_back({request.slot,
                        {.start = request.arrival,
                         .first = request.arrival + says.ttft,
                         .gap = says.gaps.empty() ? gap_ : says.gaps.back(),
                         .gaps = says.gaps}});
  }
  void leave(const TimedRequest&, bool was_admitted, Nanos, std::vector<Admission>&) override {
    if (was_admitted) --running_;
  }
  ServingState state() const override { return {.running = running_}; }

 private:
  const ScriptLine& line(uint64_t index) const { return lines_[index % lines_.size()]; }

  const std::vector<ScriptLine> lines_;
  const Nanos gap_;
  uint32_t running_ = 0;
};

bool is_duration(const Json& ms) {
  return ms.is_number() && ms.as_number() >= 0 && ms.as_number() <= kMaxMs;
}

Result<ScriptLine> parse_line(std::string_view text, const std::string& where) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(text, where));
  const char* remedy =
      R"(A line reads {"ttft_ms": 50, "gaps_ms": [10, 12.5], "tokens": 3}; the last two may be left out.)";
  if (!is_duration(json["ttft_ms"])) return fail("no ttft_ms from 0 to a day", where, remedy);
  ScriptLine line{.ttft = nanos_from_ms(json["ttft_ms"].as_number())};
  for (const Json& gap : json["gaps_ms"].items()) {
    if (!is_duration(gap)) return fail("a gap that is no time from 0 to a day", where, remedy);
    line.gaps.push_back(nanos_from_ms(gap.as_number()));
  }
  const int64_t tokens =
      json["tokens"].as_integer(line.gaps.empty() ? 0 : static_cast<int64_t>(line.gaps.size()) + 1);
  if (tokens < 0 || tokens > 1'000'000) return fail("tokens must lie between 0 and 1,000,000", where, remedy);
  line.tokens = static_cast<uint32_t>(tokens);
  return line;
}

}  // namespace

Result<std::unique_ptr<TimingModel>> parse_timing_script(std::string_view text, std::string_view where,
                                                         Nanos gap) {
  std::vector<ScriptLine> lines;
  size_t number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view trimmed = trim(raw);
    if (trimmed.empty() || trimmed.starts_with('#')) continue;
    ASSIGN_OR_RETURN(ScriptLine line, parse_line(trimmed, fmt::format("{}:{}", where, number)));
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return fail("the script has no line", std::string(where), "Write at least one request.");
  return std::make_unique<ScriptTiming>(std::move(lines), gap);
}

Result<std::unique_ptr<TimingModel>> make_script_timing(const TimingOptions& options) {
  if (options.script_path.empty())
    return fail("the script timing needs a file", "--timing script", "Give --script FILE.");
  ASSIGN_OR_RETURN(const std::string text, read_file(options.script_path, kMaxScriptBytes));
  return parse_timing_script(text, options.script_path, options.gap);
}

}  // namespace assay
