// The corpora inside the program, and prompts cut from them; workload/corpus/README.md says where the text
// comes from.
#include <algorithm>

#include "workload/traffic.h"

namespace assay {

// Made from the files of workload/corpus by the build.
std::string_view embedded_corpus_prose();
std::string_view embedded_corpus_code();

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\t';
}

// Moves from `at` round the ring of `text` to the first byte behind a blank.
size_t word_start(std::string_view text, size_t at) {
  for (size_t step = 0; step < text.size(); ++step) {
    const size_t before = (at + text.size() - 1) % text.size();
    if (is_blank(text[before]) && !is_blank(text[at])) break;
    at = (at + 1) % text.size();
  }
  return at;
}

}  // namespace

std::vector<std::string> corpus_names() {
  return {"prose", "code"};
}

std::string_view corpus_text(std::string_view corpus) {
  CHECK(corpus == "prose" || corpus == "code");
  return corpus == "prose" ? embedded_corpus_prose() : embedded_corpus_code();
}

std::string prompt_text(std::string_view corpus, uint64_t prompt_seed, uint32_t tokens,
                        double bytes_per_token) {
  const std::string_view text = corpus_text(corpus);
  CHECK(bytes_per_token > 0 && bytes_per_token < 100);
  const auto wanted = std::max<size_t>(1, static_cast<size_t>(tokens * bytes_per_token));
  size_t at = word_start(text, prompt_seed % text.size());
  // The word that reaches the wanted length is the last one.
  size_t left = wanted;
  while (!is_blank(text[(at + left) % text.size()])) ++left;
  std::string prompt;
  prompt.reserve(left);
  while (left > 0) {
    const std::string_view piece = text.substr(at, left);
    prompt += piece;
    left -= piece.size();
    at = 0;
  }
  while (is_blank(prompt.back())) prompt.pop_back();
  return prompt;
}

}  // namespace assay
