// PreTokeniser: how a tokenizer.json cuts a normalised text into the words that are then encoded one by one.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/base.h"
#include "workload/tokenizer/token_pattern.h"

namespace assay {

struct TokenWord {
  std::string text;
  bool is_first = false;  // it begins where the whole text does
};

// One thread only: its patterns are.
class PreTokeniser {
 public:
  // The member "pre_tokenizer", null for none. Refuses, by name, kinds that are not known here.
  static Result<PreTokeniser> read(const Json& json, const std::string& where);

  // Cuts each of `words`, which are valid UTF-8.
  Result<void> apply(std::vector<TokenWord>& words) const;
  // Words come as one character a byte, as GPT-2 writes them.
  bool is_byte_level() const;

 private:
  enum class Behaviour { kIsolated, kRemoved, kContiguous, kMergedWithPrevious, kMergedWithNext };
  struct Split {
    TokenPattern pattern;
    Behaviour behaviour;
    bool is_inverted;
  };
  struct ByteLevel {};
  struct Metaspace {
    enum class Prefix { kFirst, kAlways, kNever };
    std::string replacement;
    Prefix prefix;
  };
  // A blank in front of ByteLevel comes before its own split.
  struct LeadingSpace {};
  using Step = std::variant<Split, ByteLevel, Metaspace, LeadingSpace>;

  static Result<void> read_into(const Json& json, const std::string& where, int depth,
                                std::vector<Step>& steps);
  static Result<void> read_byte_level(const Json& json, const std::string& where, std::vector<Step>& steps);
  static Result<void> read_metaspace(const Json& json, const std::string& where, std::vector<Step>& steps);
  static Result<void> read_split(const Json& json, const std::string& where, std::vector<Step>& steps);
  static Result<Behaviour> behaviour_named(const std::string& name, const std::string& where);
  static std::vector<TokenSpan> merged(std::vector<TokenSpan> spans, Behaviour behaviour);
  static Result<void> run(const Split& step, TokenWord& word, std::vector<TokenWord>& out);
  static Result<void> run(const ByteLevel& step, TokenWord& word, std::vector<TokenWord>& out);
  static Result<void> run(const Metaspace& step, TokenWord& word, std::vector<TokenWord>& out);
  static Result<void> run(const LeadingSpace& step, TokenWord& word, std::vector<TokenWord>& out);

  std::vector<Step> steps_;
};

// The bytes behind a text that was written as one character a byte; other characters are left out.
std::string bytes_of_byte_level(std::string_view text);

}  // namespace assay
