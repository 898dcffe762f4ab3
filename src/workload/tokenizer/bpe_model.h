// BpeModel: byte-pair encoding of one word (Gage 1994; Sennrich, Haddow, Birch 2016), as the member "model"
// of a tokenizer.json describes it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/base.h"

namespace assay {

// Immutable, so any thread may use it.
class BpeModel {
 public:
  // Refuses, by name, other models and options that are not known here.
  static Result<BpeModel> read(const Json& json, const std::string& where);

  // Appends the tokens of `word`, which is valid UTF-8; of n characters, in O(n log n). A character that has
  // no token, nor tokens for its bytes, and no stand-in, yields none.
  void encode(std::string_view word, std::vector<uint32_t>& tokens) const;

  std::optional<uint32_t> find(std::string_view token) const;
  // Views that live as long as the model.
  std::unordered_map<uint32_t, std::string_view> tokens_by_id() const;
  size_t vocabulary() const { return ids_.size(); }
  bool has_byte_fallback() const { return has_byte_fallback_; }

 private:
  struct Merge {
    uint32_t rank = 0, id = 0;
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  static uint64_t pair_of(uint32_t left, uint32_t right) { return uint64_t{left} << 32 | right; }

  Result<void> read_options(const Json& json, const std::string& where);
  Result<void> read_vocabulary(const Json& json, const std::string& where);
  Result<void> read_merges(const Json& json, const std::string& where);
  std::vector<uint32_t> symbols_of(std::string_view word) const;
  bool append_bytes(std::string_view character, std::vector<uint32_t>& symbols) const;

  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> ids_;
  std::unordered_map<uint64_t, Merge> merges_;  // by pair_of(left, right)
  std::optional<uint32_t> unknown_;
  bool fuses_unknown_ = false, has_byte_fallback_ = false, ignores_merges_ = false;
};

}  // namespace assay
