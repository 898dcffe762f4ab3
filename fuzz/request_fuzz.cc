// HTTP requests from hostile bytes. Oracles: cutting the bytes differently must tell the same story, nothing
// is handed out that lies outside the input, limits hold, and an error has a status to answer it with.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "http/http.h"

namespace {

using assay::RequestParser;
using Step = RequestParser::Step;

constexpr assay::HttpLimits kLimits{.head_bytes = 512, .fields = 8, .body_bytes = 4096};

std::string head_of(const RequestParser& parser) {
  CHECK(parser.fields().size() <= kLimits.fields);
  CHECK(!parser.method().empty() && assay::is_field_value(parser.path()));
  CHECK(parser.path().starts_with('/') || parser.path() == "*");
  std::string story = "head ";
  story.append(parser.method()).append(" ").append(parser.path());
  for (const assay::HttpField& field : parser.fields())
    story.append(field.name).append("=").append(field.value);
  return story;
}

// What the parser tells of `bytes` given in pieces of `step`.
std::string story_of(std::string_view bytes, size_t step) {
  RequestParser parser(kLimits);
  std::string story;
  size_t body = 0;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    std::string_view input = piece;
    for (bool more = true; more;) {
      switch (parser.advance(input)) {
        case Step::kNeedMore:
          CHECK(input.empty());
          more = false;
          break;
        case Step::kHead:
          story += head_of(parser);
          break;
        case Step::kBody:
          CHECK(parser.body().data() >= piece.data() &&
                parser.body().data() + parser.body().size() <= piece.data() + piece.size());
          body += parser.body().size();
          CHECK(!parser.body().empty() && body <= kLimits.body_bytes);
          story += parser.body();
          break;
        case Step::kEnd:
          story += parser.keep_alive() ? " end, keep;" : " end;";
          parser.restart();
          body = 0;
          more = !input.empty();
          break;
        case Step::kError:
          CHECK(parser.error_status() >= 400 && parser.error_status() < 600);
          return story + "error " + std::string(parser.error());
      }
    }
  }
  return story + (parser.started() ? " unfinished" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = story_of(bytes, std::string_view::npos);
  CHECK(story_of(bytes, 1) == whole);
  CHECK(story_of(bytes, 7) == whole);
  return 0;
}
