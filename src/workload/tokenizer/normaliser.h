// Normaliser: what a tokenizer.json does to a text before anything else: Unicode normal forms, replacements
// and a prefix. utf8proc knows the normal forms, and only normaliser.cc sees it.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/base.h"
#include "workload/tokenizer/token_pattern.h"

namespace assay {

// One thread only: its patterns are.
class Normaliser {
 public:
  // The member "normalizer", null for none. Refuses, by name, kinds that are not known here.
  static Result<Normaliser> read(const Json& json, const std::string& where);

  // `text` is valid UTF-8, as is the result. Fails where that grows beyond 16 MiB.
  Result<std::string> apply(std::string_view text) const;
  bool is_empty() const { return steps_.empty(); }

 private:
  struct Form {
    int options;
  };
  struct Replacement {
    TokenPattern pattern;
    std::string content;
  };
  struct Prefix {
    std::string text;
  };
  using Step = std::variant<Form, Replacement, Prefix>;

  static Result<void> read_into(const Json& json, const std::string& where, int depth,
                                std::vector<Step>& steps);
  static Result<std::string> run(const Form& step, std::string text);
  static Result<std::string> run(const Replacement& step, std::string text);
  static Result<std::string> run(const Prefix& step, std::string text);

  std::vector<Step> steps_;
};

}  // namespace assay
