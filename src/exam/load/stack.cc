// Names and versions compared; see stack.h.
#include "exam/load/stack.h"

#include <fmt/format.h>

#include <array>

#include "exam/findings.h"

namespace assay {
namespace {

// Lower case letters and digits alone, by one name where an engine has several.
std::string plain_name(std::string_view text) {
  std::string plain;
  for (const char c : lower(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNames = {
      {{"textgenerationinference", "tgi"}, {"llamaserver", "llamacpp"}, {"llamacppserver", "llamacpp"}}};
  for (const auto& [other, name] : kNames) {
    if (plain == other) return std::string(name);
  }
  return plain;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Without the letter that stands before a number: "v0.6.3", llama.cpp's "b4567".
std::string_view plain_version(std::string_view text) {
  text = trim(text);
  const bool has_letter =
      text.size() >= 2 && (text[0] == 'v' || text[0] == 'V' || text[0] == 'b') && is_digit(text[1]);
  return has_letter ? text.substr(1) : text;
}

}  // namespace

bool is_same_engine(std::string_view declared, std::string_view told) {
  const std::string a = plain_name(declared), b = plain_name(told);
  // A vendor's branch bears the name of what it comes from: "vllm-ascend".
  return a.find(b) != std::string::npos || (!a.empty() && b.find(a) != std::string::npos);
}

bool is_same_version(std::string_view declared, std::string_view told) {
  const std::string_view a = plain_version(declared), b = plain_version(told);
  const std::string_view shorter = a.size() < b.size() ? a : b, longer = a.size() < b.size() ? b : a;
  if (shorter.empty() || !longer.starts_with(shorter)) return false;
  // What follows tells the build (PEP 440's local version, llama.cpp's commit), not another version.
  const std::string_view rest = longer.substr(shorter.size());
  const bool is_build_number = shorter.find('.') == std::string_view::npos;
  return rest.empty() || rest[0] == '+' || rest[0] == ' ' || (is_build_number && rest[0] == '-');
}

std::vector<Finding> stack_findings(const StackSpec& declared, const Json& told) {
  std::vector<Finding> findings;
  const std::string& engine = told["server_engine"].as_string();
  const std::string& version = told["server_version"].as_string();
  if (!declared.is_declared) {
    std::string text =
        "Stack undeclared: nothing says which engine, version, flags and quantisation served this, so that nobody can "
        "repeat it.";
    if (!engine.empty() || !version.empty())
      text += fmt::format(" The server calls itself {}{}{}.", engine,
                          engine.empty() || version.empty() ? "" : " ", version);
    text += " Declare it in [target.stack], or with --stack of `assay load`.";
    findings.push_back(make_finding(Severity::kNote, "stack.undeclared", std::move(text)));
  }
  const auto compare = [&](const char* what, const std::string& said, const std::string& heard,
                           bool (*is_same)(std::string_view, std::string_view)) {
    if (said.empty() || heard.empty() || is_same(said, heard)) return;
    findings.push_back(make_finding(
        Severity::kDoubtful, "stack.contradiction",
        fmt::format(
            "The stack's {} is declared as {}, and the server calls it {}: one of the two is wrong, and what was "
            "measured belongs to what served.",
            what, printable(said, 100), printable(heard, 100)),
        Json::object().set("declared", said).set("told", heard)));
  };
  compare("engine", declared.engine, engine, is_same_engine);
  compare("version", declared.version, version, is_same_version);
  return findings;
}

}  // namespace assay
