// RequestTemplate: text with placeholders that each request fills in its own way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// What a placeholder may be.
struct PlaceholderRow {
  const char* form;        // "{{integer LOW HIGH}}"
  const char* definition;  // what stands in its place
};

// Rules. Placeholders stand in double braces; their words are separated by blanks, and a word with blanks in
// it stands in single quotes: {{choice 'New York' Oslo}}. Draws are a function of (seed, place in the
// template).
class RequestTemplate {
 public:
  enum class Escape { kJson, kUrl };  // what the text around the placeholders is
  struct Values {
    std::string_view prompt;      // needed where has_prompt()
    std::string_view request_id;  // "assay-7"
    uint64_t seed = 0;            // the request's
  };

  RequestTemplate() = default;  // empty
  // Errors say which placeholder is wrong and what to write. At most 64 KiB and 1,000 placeholders.
  static Result<RequestTemplate> parse(std::string_view text);
  static const std::vector<PlaceholderRow>& placeholders();

  bool empty() const { return parts_.empty(); }
  bool has_prompt() const;
  void append(const Values& values, Escape escape, std::string& out) const;

  bool operator==(const RequestTemplate&) const = default;

 private:
  enum class Kind { kText, kPrompt, kRequestId, kInteger, kNumber, kChoice };
  struct Part {
    Kind kind = Kind::kText;
    std::string text;                  // kText
    double low = 0, high = 1;          // kNumber
    int64_t lowest = 0, highest = 0;   // kInteger, inclusive
    std::vector<std::string> choices;  // kChoice

    bool operator==(const Part&) const = default;
  };
  static Result<Part> placeholder(std::string_view inside);

  std::vector<Part> parts_;
};

}  // namespace assay
