// AddedTokens: the tokens of a tokenizer.json that are found in a text before it is normalised or cut:
// special ones and others that its model does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/base.h"
#include "workload/tokenizer/normaliser.h"

namespace assay {

// A stretch of a text: an added token, or what lies between two.
struct AddedTokenSpan {
  size_t begin = 0, end = 0;
  bool is_token = false;
  uint32_t id = 0;
};

// Immutable, so any thread may use it.
class AddedTokens {
 public:
  // Those of "added_tokens" that are looked for in the text as it is, or, if `normalised`, in the normalised
  // one, where they are normalised too.
  static Result<AddedTokens> read(const Json& json, bool normalised, const Normaliser& normaliser,
                                  const std::string& where);

  // `text` from end to end. Of several that begin at one place the longest counts.
  std::vector<AddedTokenSpan> spans(std::string_view text) const;
  bool is_empty() const { return tokens_.empty(); }

 private:
  struct Token {
    uint32_t id = 0;
    bool takes_blanks_before = false, takes_blanks_behind = false;
  };
  struct Found {
    size_t token = 0, end = 0;
  };
  void add(std::string_view content, const Token& token);
  bool longest_at(std::string_view text, size_t at, Found& found) const;

  std::vector<Token> tokens_;
  // A trie: from (node << 8 | byte) to the next node; node 0 is the root.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::unordered_map<uint32_t, size_t> ends_;  // from a node to the token that ends there
  uint32_t nodes_ = 1;
};

}  // namespace assay
