// Fuzzes the reader of tokenizer.json and what it makes of texts: whatever the file, it is refused with a
// reason or encodes a text soon and the same each time. The text to encode stands behind the file, after a
// zero byte; without one some of its own words are taken.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workload/tokenizer/tokenizer.h"

namespace {

constexpr size_t kMostTextBytes = 256;  // patterns may take twenty million steps on it

void check_text(const assay::Tokenizer& tokenizer, std::string_view text) {
  const auto tokens = tokenizer.encode(text);
  if (!tokens) {
    CHECK(!tokens.error().what.empty());
    return;
  }
  const auto again = tokenizer.encode(text);
  CHECK(again && *again == *tokens);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view file = input.substr(0, input.find('\0'));
  const auto tokenizer = assay::Tokenizer::parse(file, "tokenizer.json");
  if (!tokenizer) {
    CHECK(!tokenizer.error().what.empty());
    return 0;
  }
  CHECK(tokenizer->vocabulary() > 0 && !tokenizer->kind().empty());
  std::string_view text =
      file.size() < size ? input.substr(file.size() + 1) : "It's 12 o'clock\n\n  é 日本 <s>";
  text = text.substr(0, kMostTextBytes);
  check_text(*tokenizer, text);
  return 0;
}
