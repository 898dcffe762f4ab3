// Lists of texts; see text_list.h.
#include "workload/text_list.h"

#include <fmt/format.h>

namespace assay {
namespace {

constexpr size_t kTextHeadBytes = 4;

}  // namespace

void append_to_text_list(std::string_view text, std::string& list) {
  CHECK(text.size() <= kMaxListedTextBytes);
  for (size_t i = 0; i < kTextHeadBytes; ++i) list += static_cast<char>(text.size() >> (8 * i) & 0xff);
  list += text;
}

Result<std::vector<std::string_view>> read_text_list(std::string_view list) {
  constexpr const char* kWhere = "text list";
  if (list.size() > kMaxTextListBytes)
    return fail("is larger than " + format_bytes(kMaxTextListBytes), kWhere);
  std::vector<std::string_view> texts;
  while (!list.empty()) {
    const size_t number = texts.size() + 1;
    if (list.size() < kTextHeadBytes)
      return fail(fmt::format("ends within the length of text {}", number), kWhere);
    size_t size = 0;
    for (size_t i = 0; i < kTextHeadBytes; ++i)
      size |= size_t{static_cast<unsigned char>(list[i])} << (8 * i);
    list.remove_prefix(kTextHeadBytes);
    if (size > kMaxListedTextBytes)
      return fail(fmt::format("text {} has {}", number, format_bytes(static_cast<int64_t>(size))), kWhere);
    if (size > list.size()) return fail(fmt::format("ends within text {}", number), kWhere);
    texts.push_back(list.substr(0, size));
    list.remove_prefix(size);
  }
  return texts;
}

}  // namespace assay
