// Encodes texts with a tokenizer.json, for tests that hold the reader against others: `encode_texts FILE`
// reads a list of texts (workload/text_list.h) from stdin and prints the ids of each as a JSON array, a line
// a text, or
// {"error": …}.
#include <cstdio>

#include "os/os.h"
#include "workload/tokenizer/tokenizer.h"
#include "workload/workload.h"

namespace {

assay::Result<void> encode_all(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string file, assay::read_file(path, assay::kMaxTokenizerBytes));
  ASSIGN_OR_RETURN(const assay::Tokenizer tokenizer, assay::Tokenizer::parse(file, path));
  ASSIGN_OR_RETURN(const std::string list, assay::read_all(0, "stdin", assay::kMaxTextListBytes));
  ASSIGN_OR_RETURN(const auto texts, assay::read_text_list(list));
  for (const std::string_view text : texts) {
    assay::Json line = assay::Json::array();
    if (const auto ids = tokenizer.encode(text)) {
      for (const uint32_t id : *ids) line.push(id);
    } else {
      line = assay::Json::object().set("error", ids.error().message());
    }
    std::printf("%s\n", line.dump().c_str());
  }
  return {};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: encode_texts tokenizer.json < texts\n"), 2;
  const assay::Result<void> done = encode_all(arguments[1]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 2;
}
