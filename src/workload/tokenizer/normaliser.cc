// Reading and running of normalisers; see normaliser.h.
#include "workload/tokenizer/normaliser.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

namespace assay {
namespace {

constexpr int kMaxNormaliserDepth = 8;
constexpr size_t kMaxNormaliserSteps = 64;
constexpr size_t kMaxNormalisedBytes = size_t{16} << 20;

struct NormalForm {
  std::string_view name;
  int options;  // of utf8proc_map
};
constexpr NormalForm kNormalForms[] = {
    {"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
    {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
};

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Result<Normaliser> Normaliser::read(const Json& json, const std::string& where) {
  Normaliser normaliser;
  if (!json.is_null()) RETURN_IF_ERROR(read_into(json, where, 0, normaliser.steps_));
  return normaliser;
}

Result<void> Normaliser::read_into(const Json& json, const std::string& where, int depth,
                                   std::vector<Step>& steps) {
  const std::string& type = json["type"].as_string();
  if (depth > kMaxNormaliserDepth || steps.size() >= kMaxNormaliserSteps)
    return fail("the normalizer has too many steps", where);
  if (type == "Sequence") {
    for (const Json& each : json["normalizers"].items())
      RETURN_IF_ERROR(read_into(each, where, depth + 1, steps));
    return {};
  }
  if (type == "Replace") {
    ASSIGN_OR_RETURN(TokenPattern pattern, TokenPattern::read(json["pattern"], where));
    steps.emplace_back(Replacement{std::move(pattern), json["content"].as_string()});
    return {};
  }
  if (type == "Prepend") {
    steps.emplace_back(Prefix{json["prepend"].as_string()});
    return {};
  }
  for (const NormalForm& form : kNormalForms) {
    if (type == form.name) return steps.emplace_back(Form{form.options}), Result<void>();
  }
  return fail(fmt::format("its normalizer {} is not implemented", printable(type, 60)), where,
              "Count with the model's GGUF instead.");
}

Result<std::string> Normaliser::apply(std::string_view given) const {
  std::string text(given);
  for (const Step& step : steps_) {
    ASSIGN_OR_RETURN(text, std::visit([&](const auto& each) { return run(each, std::move(text)); }, step));
    if (text.size() > kMaxNormalisedBytes)
      return fail("a text becomes longer than 16 MiB when it is normalised");
  }
  return text;
}

Result<std::string> Normaliser::run(const Form& step, std::string text) {
  if (is_ascii(text)) return text;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                             static_cast<utf8proc_option_t>(step.options));
  if (size < 0) return fail(fmt::format("a text cannot be normalised: {}", utf8proc_errmsg(size)));
  text.assign(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
  std::free(mapped);
  return text;
}

Result<std::string> Normaliser::run(const Replacement& step, std::string text) {
  ASSIGN_OR_RETURN(const std::vector<TokenSpan> spans, step.pattern.spans(text));
  std::string out;
  for (const TokenSpan& span : spans) {
    out += span.is_match ? std::string_view(step.content)
                         : std::string_view(text).substr(span.begin, span.end - span.begin);
    if (out.size() > kMaxNormalisedBytes)
      return fail("a text becomes longer than 16 MiB when it is normalised");
  }
  return out;
}

Result<std::string> Normaliser::run(const Prefix& step, std::string text) {
  return text.empty() ? text : step.text + text;
}

}  // namespace assay
