// The reader of JSON in traces, against the parser of documents: both take a text, or neither does; but for
// broken escapes and broken UTF-8 inside texts, which nobody looks at, and numbers beyond a double.
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "workload/trace/json_cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  assay::JsonCursor cursor(text);
  const bool is_taken = cursor.skip() && cursor.peek() == '\0' && cursor.is_good();
  CHECK(is_taken || !cursor.is_good() || cursor.peek() != '\0');
  CHECK(cursor.line() >= 1 && cursor.line() <= size + 1);
  assay::JsonCursor strings(text);
  std::string_view raw;
  if (strings.read_string(raw)) CHECK(assay::decoded_bytes(raw) <= raw.size());
  const bool is_document = assay::Json::parse(text, "fuzz").has_value();
  if (is_document) CHECK(is_taken);
  const bool may_differ = text.find_first_of("\\\xef") != std::string_view::npos ||
                          !assay::is_valid_utf8(text) || text.find_first_of("eE") != std::string_view::npos ||
                          text.find('\0') != std::string_view::npos;
  if (is_taken && !may_differ && size < 300) CHECK(is_document);
  return 0;
}
