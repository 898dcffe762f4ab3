// HTTP requests and their JSON bodies from hostile bytes. Oracles: cutting the bytes differently must tell
// the same story, nothing is handed out that lies outside the input, limits hold, and an error has a status
// to answer it with; a body asks for no more than the emulator can answer, is read twice as once, and a
// broken one leaves nothing behind for the next.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "emulate/request_body.h"
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

void check_body(std::string_view text) {
  using assay::RouteKind;
  static assay::RequestBodyParser used;  // by all bodies before, too
  for (const RouteKind kind : {RouteKind::kChat, RouteKind::kCompletions, RouteKind::kResponses,
                               RouteKind::kEmbeddings, RouteKind::kRerank, RouteKind::kInfer}) {
    std::string first(text), second(text);
    const auto body = used.parse(kind, first);
    const auto again = assay::RequestBodyParser().parse(kind, second);
    CHECK(body.has_value() == again.has_value() && first == text);
    if (!body) {
      CHECK(!body.error().what.empty() && body.error().what == again.error().what);
      continue;
    }
    CHECK(*body == *again);
    CHECK(body->prompt_tokens >= 1 && body->prompt_tokens <= 1'000'000);
    CHECK(body->max_tokens.value_or(1) >= 1 && body->max_tokens.value_or(1) <= 1'000'000);
    CHECK(body->items >= 1 && body->items <= 125'000);
    CHECK(body->dimensions >= 1 && body->dimensions <= 8192);
    if (kind == RouteKind::kEmbeddings) CHECK(uint64_t{body->items} * body->dimensions <= 4'000'000);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = story_of(bytes, std::string_view::npos);
  CHECK(story_of(bytes, 1) == whole);
  CHECK(story_of(bytes, 7) == whole);
  check_body(bytes);
  return 0;
}
