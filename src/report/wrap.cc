// Breaks text into lines; see wrap.h.
#include "report/wrap.h"

#include <fmt/format.h>

#include "base/base.h"

namespace assay {
namespace {

constexpr size_t kMostLines = 12;  // of a single sentence

// Where the next sentence or part begins after `from`, or npos.
size_t next_part(std::string_view text, size_t from) {
  for (size_t i = from; i + 1 < text.size(); ++i) {
    if ((text[i] == '.' || text[i] == ';') && text[i + 1] == ' ') return i + 2;
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    const std::string longer = line.empty() ? std::string(word) : fmt::format("{} {}", line, word);
    if (display_width(longer) <= width) {
      line = longer;
      continue;
    }
    if (!line.empty()) lines.push_back(line);
    line = cut(word, width);
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

std::vector<std::string> wrapped_sentences(std::string_view text, size_t width, size_t most) {
  std::vector<std::string> lines = wrapped(text, width);
  if (lines.size() <= most) return lines;
  std::vector<std::string> fitting;
  for (size_t end = next_part(text, 0); end != std::string_view::npos; end = next_part(text, end)) {
    std::vector<std::string> longer = wrapped(std::string(text.substr(0, end)) + "…", width);
    if (longer.size() > most && !fitting.empty()) break;
    fitting = std::move(longer);
    if (fitting.size() > most) break;
  }
  if (!fitting.empty()) lines = std::move(fitting);
  if (lines.size() > kMostLines) {
    lines.resize(kMostLines);
    lines.back() = cut(lines.back() + " …", width);
  }
  return lines;
}

std::string labelled(std::string_view label, std::string_view text, size_t width) {
  const size_t indent = display_width(label);
  std::string out;
  for (const std::string& line : wrapped(text, width - indent))
    out += fmt::format("{}{}\n", out.empty() ? std::string(label) : std::string(indent, ' '), line);
  return out.empty() ? fmt::format("{}\n", label) : out;
}

}  // namespace assay
