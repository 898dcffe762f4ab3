// Texts as bytes, for a process that is to read them from its stdin: the length of each as 32 bits,
// little-endian, then the text. Any bytes are a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

inline constexpr size_t kMaxListedTextBytes = size_t{1} << 20;  // of one text
inline constexpr size_t kMaxTextListBytes = size_t{64} << 20;   // of all
inline constexpr int64_t kMaxSpelledTexts = 16;  // of a list: those of which it is told where tokens end

// `text` has at most kMaxListedTextBytes.
void append_to_text_list(std::string_view text, std::string& list);
// Views into `list`. Fails where it is cut, too large, or holds a text that is.
Result<std::vector<std::string_view>> read_text_list(std::string_view list);

}  // namespace assay
