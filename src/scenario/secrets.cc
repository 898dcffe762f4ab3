// Secrets by their names and by their looks; see secrets.h.
#include "scenario/secrets.h"

#include <algorithm>
#include <vector>

namespace assay {
namespace {

using Words = std::initializer_list<std::string_view>;

bool ends_with_one_of(std::string_view text, Words ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

// Keys whose kind shows: long, with a digit, behind a beginning that their issuers give them. "hf_transfer"
// is none.
bool looks_like_key(std::string_view word) {
  constexpr size_t kLeastBytes = 20;
  constexpr std::string_view kBeginnings[] = {"sk-", "hf_", "nvapi-", "ghp_", "github_pat_", "xoxb-"};
  return word.size() >= kLeastBytes && word.find_first_of("0123456789") != std::string_view::npos &&
         std::ranges::any_of(kBeginnings, [&](std::string_view b) { return word.starts_with(b); });
}

// What stands where a secret would, so that a reader sees that there was one.
bool is_placeholder(std::string_view value) {
  return value.empty() || value.starts_with('$') || value.starts_with('<') || value.starts_with('*') ||
         value.starts_with("…") || value.starts_with("...");
}

// Split at blanks and at what else parts words of a list or a shell, without the quotes around each.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kBlanks = " \t\n\r,;|&", kAround = "'\"`()";
  for (size_t at = text.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    std::string_view word = text.substr(at, end - at);
    while (!word.empty() && kAround.find(word.front()) != std::string_view::npos) word.remove_prefix(1);
    while (!word.empty() && kAround.find(word.back()) != std::string_view::npos) word.remove_suffix(1);
    words.push_back(word);
    at = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

std::string_view unquoted(std::string_view text) {
  while (!text.empty() && (text.front() == '\'' || text.front() == '"')) text.remove_prefix(1);
  return text;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// "api_key", "apiKey" and "X-Api-Key" alike. Counts of tokens and the texts of special ones ("max_tokens",
// "eos_token") are no secrets.
bool is_secret_member(std::string_view name) {
  std::string plain = lower(name);
  std::erase_if(plain, [](char c) { return c == '_' || c == '-'; });
  return plain == "token" || plain == "auth" ||
         ends_with_one_of(plain, {"apikey", "accesstoken", "authtoken", "hftoken", "bearertoken", "apitoken",
                                  "sessiontoken", "refreshtoken", "password", "passwd", "secret", "secretkey",
                                  "accesskey", "privatekey", "authorization", "credential", "credentials"});
}

bool is_secret_value(std::string_view value) {
  return looks_like_key(value) || starts_with_ignoring_case(value, "bearer ");
}

}  // namespace

bool is_secret_header(std::string_view name, std::string_view value) {
  const std::string low = lower(name);
  for (const char* word :
       {"auth", "cookie", "token", "secret", "password", "credential", "key", "signature"}) {
    if (low.find(word) != std::string::npos) return true;
  }
  for (const char* beginning : {"bearer ", "basic ", "sk-", "hf_", "nvapi-"}) {
    if (starts_with_ignoring_case(value, beginning)) return true;
  }
  return false;
}

bool is_secret_variable(std::string_view name) {
  return ends_with_one_of(name, {"KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS"});
}

bool is_secret_option(std::string_view argument) {
  const std::string name = lower(argument.substr(0, argument.find('=')));
  return name.starts_with('-') && ends_with_one_of(name, {"api-key", "api_key", "apikey", "-token", "_token",
                                                          "password", "passwd", "secret"});
}

std::string secret_of_text(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    const std::string_view name = words[i].substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    std::string_view value = has_value ? unquoted(words[i].substr(equals + 1)) : "";
    if (is_secret_option(name)) {
      const bool has_next = i + 1 < words.size() && !words[i + 1].starts_with("--");
      if (!has_value && has_next) value = words[i + 1];
      if (!is_placeholder(value)) return std::string(name);
    } else if (has_value && is_variable_name(name) && is_secret_variable(name) && !is_placeholder(value)) {
      return std::string(name);
    } else if (looks_like_key(has_value ? value : name)) {
      return has_value ? std::string(name) : std::string(name.substr(0, name.find_first_of("-_") + 1)) + "…";
    }
  }
  return "";
}

std::string secret_of_json(const Json& json) {
  for (const Json& item : json.items()) {
    if (item.is_string() && is_secret_value(item.as_string())) return "an item of a list";
    if (std::string found = secret_of_json(item); !found.empty()) return found;
  }
  for (const auto& [name, value] : json.members()) {
    const bool is_secret = value.is_string() && !is_placeholder(value.as_string()) &&
                           (is_secret_member(name) || is_secret_value(value.as_string()));
    if (is_secret) return name;
    if (std::string found = secret_of_json(value); !found.empty()) return found;
  }
  return "";
}

std::string secret_of_query(std::string_view path) {
  const size_t mark = path.find('?');
  if (mark == std::string_view::npos) return "";
  for (const std::string_view part : split(path.substr(mark + 1), '&')) {
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    if (!value.empty() && (name == "key" || is_secret_member(name) || is_secret_value(value)))
      return std::string(name);
  }
  return "";
}

}  // namespace assay
