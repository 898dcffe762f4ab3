// Event streams from hostile bytes, held against a second parser that is written as the standard reads: line
// by line over the whole text, with nothing clever.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "http/http.h"

namespace {

std::string one(std::string_view type, std::string_view data, std::string_view id) {
  return std::string(type) + "|" + std::string(data) + "|" + std::string(id) + "\n";
}

std::string events_of(std::string_view bytes, size_t step) {
  assay::SseParser parser;
  std::string events;
  while (!bytes.empty()) {
    // A copy of its own, so that a view kept too long is one into freed memory.
    const std::vector<char> copy(bytes.begin(),
                                 bytes.begin() + static_cast<ptrdiff_t>(std::min(step, bytes.size())));
    bytes.remove_prefix(copy.size());
    std::string_view input(copy.data(), copy.size());
    while (parser.advance(input) == assay::SseParser::Step::kEvent) {
      events += one(parser.event().type, parser.event().data, parser.event().id);
    }
    CHECK(input.empty());
  }
  return events;
}

std::vector<std::string> complete_lines(std::string_view text) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      line += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    lines.push_back(line);
    line.clear();
  }
  return lines;
}

std::string expected(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::string events, type, data, id;
  for (const std::string& line : complete_lines(text)) {
    if (line.empty()) {
      if (!data.empty()) {
        data.pop_back();
        events += one(type, data, id);
      }
      type.clear();
      data.clear();
      continue;
    }
    const size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (field == "event") type = value;
    if (field == "data") data += value + "\n";
    if (field == "id" && value.find('\0') == std::string::npos) id = value;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 14) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string wanted = expected(bytes);
  for (const size_t step : {size, size_t{1}, size_t{5}})
    CHECK(events_of(bytes, std::max<size_t>(step, 1)) == wanted);

  assay::SseParser small(16);
  std::string_view input = bytes;
  size_t most = 0;
  while (small.advance(input) == assay::SseParser::Step::kEvent)
    most = std::max(most, small.event().data.size());
  CHECK(most <= 16);
  return 0;
}
