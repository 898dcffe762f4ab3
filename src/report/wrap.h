// Text for a terminal broken into lines, at blanks and never in the midst of what is said.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

// Lines of at most `width` columns; a word that is wider is cut.
std::vector<std::string> wrapped(std::string_view text, size_t width);

// The same of as many whole sentences (or parts that a semicolon ends) as fit into `most` lines, and of one
// at least; an ellipsis says that there are more of them. Of one that goes on for pages the beginning.
std::vector<std::string> wrapped_sentences(std::string_view text, size_t width, size_t most);

// Wrapped with `label` before the first line and as many blanks before the others; ends with a line feed.
std::string labelled(std::string_view label, std::string_view text, size_t width);

}  // namespace assay
