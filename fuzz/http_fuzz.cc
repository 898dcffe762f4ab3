// HTTP responses and URLs from hostile bytes. Oracles: cutting the bytes differently, or taking whole chunks
// at once, must tell the same story, nothing is handed out that lies outside the input, and limits hold.
// Whole answers of an endpoint are for answer_fuzz.cc.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "http/http.h"

namespace {

using assay::ResponseParser;
using Step = ResponseParser::Step;

constexpr assay::HttpLimits kLimits{.head_bytes = 512, .fields = 8, .body_bytes = 4096};

// What the parser tells of `bytes` given in pieces of `step`.
std::string story_of(std::string_view bytes, size_t step, bool takes_chunks) {
  ResponseParser parser(kLimits);
  std::string story;
  size_t body = 0;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    std::string_view input = piece;
    const auto take = [&](std::string_view part) {
      CHECK(!part.empty());
      CHECK(part.data() >= piece.data() && part.data() + part.size() <= piece.data() + piece.size());
      body += part.size();
      CHECK(body <= kLimits.body_bytes);
      story += part;
    };
    for (bool more = true; more;) {
      while (takes_chunks) {
        const std::string_view chunk = parser.take_chunk(input);
        if (chunk.empty()) break;
        take(chunk);
      }
      switch (parser.advance(input)) {
        case Step::kNeedMore:
          CHECK(input.empty());
          more = false;
          break;
        case Step::kHead:
          CHECK(parser.fields().size() <= kLimits.fields);
          story += "head " + std::to_string(parser.status()) + std::string(parser.reason());
          for (const assay::HttpField& field : parser.fields())
            story.append(field.name).append("=").append(field.value);
          break;
        case Step::kBody:
          take(parser.body());
          break;
        case Step::kEnd:
          story += parser.keep_alive() ? " end, keep;" : " end;";
          parser.restart();
          body = 0;
          more = !input.empty();
          break;
        case Step::kError:
          return story + "error " + std::string(parser.error());
      }
    }
  }
  if (parser.started()) story += parser.end_of_input() == Step::kEnd ? "closed" : parser.error();
  return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = story_of(bytes, std::string_view::npos, false);
  CHECK(story_of(bytes, std::string_view::npos, true) == whole);
  CHECK(story_of(bytes, 1, true) == whole);
  CHECK(story_of(bytes, 7, true) == whole);

  if (const assay::Result<assay::Url> url = assay::parse_url(bytes)) {
    const assay::Result<assay::Url> again = assay::parse_url(url->text());
    CHECK(again && again->text() == url->text() && again->port == url->port);
    CHECK(assay::is_field_value(url->authority()) && assay::is_field_value(url->path));
  }
  return 0;
}
