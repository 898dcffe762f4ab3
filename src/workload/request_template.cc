// Parsing and filling of templates; see request_template.h.
#include "workload/request_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base.h"
#include "http/http.h"

namespace assay {
namespace {

constexpr size_t kMaxBytes = 64 * 1024;
constexpr size_t kMaxParts = 2000;
constexpr int64_t kMostInteger = int64_t{1} << 53;  // beyond it JSON readers may round

// The words of a placeholder, or nothing where a quote is left open.
std::optional<std::vector<std::string>> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    const bool is_quoted = text[at] == '\'';
    const size_t begin = is_quoted ? at + 1 : at;
    const size_t end = text.find(is_quoted ? '\'' : ' ', begin);
    if (is_quoted && end == std::string_view::npos) return std::nullopt;
    words.emplace_back(text.substr(begin, end - begin));
    at = end == std::string_view::npos ? text.size() : end + 1;
  }
  return words;
}

std::unexpected<Error> wrong(std::string_view inside, std::string_view what) {
  std::string forms;
  for (const PlaceholderRow& row : RequestTemplate::placeholders())
    forms += fmt::format("{}{}", forms.empty() ? "" : ", ", row.form);
  return fail(fmt::format("{{{{{}}}}} {}", printable(inside, 60), what), "",
              fmt::format("Placeholders are {}.", forms));
}

}  // namespace

const std::vector<PlaceholderRow>& RequestTemplate::placeholders() {
  static const std::vector<PlaceholderRow> rows = {
      {"{{prompt}}", "text of prompt_tokens tokens, cut from the corpus"},
      {"{{request_id}}", "what X-Request-Id says: no other request of the run has it"},
      {"{{integer LOW HIGH}}", "a whole number between them, both included"},
      {"{{number}}", "a number from 0 to below 1"},
      {"{{number LOW HIGH}}", "a number between them"},
      {"{{choice A B …}}", "one of the words, all as likely; a word with blanks stands in single quotes"},
  };
  return rows;
}

Result<RequestTemplate::Part> RequestTemplate::placeholder(std::string_view inside) {
  const std::optional<std::vector<std::string>> words = words_of(inside);
  if (!words || words->empty()) return wrong(inside, words ? "is empty" : "leaves a quote open");
  const std::string& name = words->front();
  const size_t arguments = words->size() - 1;
  Part part;
  if (name == "prompt" || name == "request_id") {
    if (arguments > 0) return wrong(inside, "takes nothing behind its name");
    part.kind = name == "prompt" ? Kind::kPrompt : Kind::kRequestId;
  } else if (name == "integer") {
    const auto low = arguments == 2 ? parse_integer((*words)[1]) : std::nullopt;
    const auto high = arguments == 2 ? parse_integer((*words)[2]) : std::nullopt;
    if (!low || !high || *low > *high || *low < -kMostInteger || *high > kMostInteger)
      return wrong(inside, "needs two whole numbers, the lower one first");
    part.kind = Kind::kInteger;
    part.lowest = *low;
    part.highest = *high;
  } else if (name == "number") {
    part.kind = Kind::kNumber;
    if (arguments == 0) return part;
    const auto low = arguments == 2 ? parse_number((*words)[1]) : std::nullopt;
    const auto high = arguments == 2 ? parse_number((*words)[2]) : std::nullopt;
    if (!low || !high || *low > *high) return wrong(inside, "needs two numbers, the lower one first");
    part.low = *low;
    part.high = *high;
  } else if (name == "choice") {
    if (arguments == 0) return wrong(inside, "names nothing to choose from");
    part.kind = Kind::kChoice;
    part.choices.assign(words->begin() + 1, words->end());
  } else {
    static const std::vector<std::string> known = {"prompt", "request_id", "integer", "number", "choice"};
    return wrong(inside, "is unknown." + suggestion(name, known));
  }
  return part;
}

Result<RequestTemplate> RequestTemplate::parse(std::string_view text) {
  if (text.size() > kMaxBytes)
    return fail(fmt::format("it has {} bytes, and {} are the most", text.size(), kMaxBytes), "");
  RequestTemplate made;
  while (!text.empty()) {
    const size_t open = text.find("{{");
    if (open > 0) made.parts_.push_back(Part{.text = std::string(text.substr(0, open))});
    if (open == std::string_view::npos) break;
    const size_t close = text.find("}}", open);
    if (close == std::string_view::npos)
      return wrong(text.substr(open + 2), "has no end: it must be closed by two braces");
    ASSIGN_OR_RETURN(Part part, placeholder(text.substr(open + 2, close - open - 2)));
    made.parts_.push_back(std::move(part));
    text.remove_prefix(close + 2);
    if (made.parts_.size() > kMaxParts) return fail("it has more than 1,000 placeholders", "");
  }
  return made;
}

bool RequestTemplate::has_prompt() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.kind == Kind::kPrompt; });
}

void RequestTemplate::append(const Values& values, Escape escape, std::string& out) const {
  static const uint64_t kBodyStream = random_stream("template/body");
  static const uint64_t kUrlStream = random_stream("template/url");
  const bool is_json = escape == Escape::kJson;
  const auto add = [&](std::string_view text) {
    if (is_json) {
      append_json_text(text, out);
    } else {
      out += percent_encoded(text);
    }
  };
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    Random random(values.seed, is_json ? kBodyStream : kUrlStream, i);
    switch (part.kind) {
      case Kind::kText:
        out += part.text;
        break;
      case Kind::kPrompt:
        add(values.prompt);
        break;
      case Kind::kRequestId:
        add(values.request_id);
        break;
      case Kind::kInteger: {
        const auto count = static_cast<uint64_t>(part.highest - part.lowest) + 1;
        append_format(out, "{}", part.lowest + static_cast<int64_t>(random.below(count)));
        break;
      }
      case Kind::kNumber:
        append_format(out, "{:.6g}", part.low + (part.high - part.low) * random.uniform());
        break;
      case Kind::kChoice:
        add(part.choices[random.below(part.choices.size())]);
        break;
    }
  }
}

}  // namespace assay
