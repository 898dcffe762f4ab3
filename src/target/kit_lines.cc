// Reading a kit's lines; see kit_lines.h.
#include "target/kit_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace assay {
namespace {

constexpr size_t kMaxKitNameBytes = 60;
constexpr size_t kMaxKitReasonBytes = 400;
constexpr size_t kQuotedLineBytes = 120;  // of a line that is told
constexpr size_t kOtherOutputBytes = 64 << 10;

constexpr std::pair<const char*, KitLineKind> kLineKinds[] = {
    {"hello", KitLineKind::kHello},       {"device", KitLineKind::kDevice},
    {"record", KitLineKind::kRecord},     {"finding", KitLineKind::kFinding},
    {"progress", KitLineKind::kProgress}, {"absent", KitLineKind::kAbsent},
    {"done", KitLineKind::kDone},
};

bool is_kit_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKitNameBytes && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

// Python writes these numbers, and JSON has none like them.
std::string words_of_parse_error(std::string_view line, const Error& error) {
  for (const char* word : {"NaN", "Infinity"}) {
    if (line.find(word) != std::string_view::npos)
      return fmt::format("it holds {}, which is no number in JSON", word);
  }
  return error.what;
}

std::string with_hidden(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
      text.replace(at, secret.size(), "***");
  }
  return text;
}

// In every text of a line, but not in numbers, nor in what says which line it is: a value that is passed on
// may be as plain as a folder, and must not make another line of it.
Json with_hidden(const Json& json, const std::vector<std::string>& secrets, bool is_line) {
  constexpr std::string_view kKept[] = {"type", "protocol", "metric", "unit"};
  if (json.is_string()) return with_hidden(json.as_string(), secrets);
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json.items()) out.push(with_hidden(item, secrets, false));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [name, value] : json.members()) {
    const bool is_kept = is_line && std::ranges::find(kKept, name) != std::end(kKept);
    out.append_member(with_hidden(name, secrets), is_kept ? value : with_hidden(value, secrets, false));
  }
  return out;
}

// With what a quote or a backslash in them becomes inside JSON.
std::vector<std::string> with_escaped(std::vector<std::string> secrets) {
  const size_t count = secrets.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string quoted = Json(secrets[i]).dump();
    std::string escaped = quoted.substr(1, quoted.size() - 2);
    if (escaped != secrets[i]) secrets.push_back(std::move(escaped));
  }
  return secrets;
}

}  // namespace

KitLines::KitLines(TakeKitLine take, std::vector<std::string> secrets, KitLineLimits limits)
    : take_(std::move(take)), secrets_(with_escaped(std::move(secrets))), limits_(limits) {}

Result<void> KitLines::feed(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > limits_.bytes)
    return fail(fmt::format("it printed more than {}", format_bytes(static_cast<int64_t>(limits_.bytes))));
  for (size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
    pending_ += bytes.substr(0, end);
    if (pending_.size() > limits_.line_bytes) break;
    RETURN_IF_ERROR(take_line(std::exchange(pending_, {})));
  }
  pending_ += bytes;
  if (pending_.size() > limits_.line_bytes)
    return fail(
        fmt::format("it printed a line over {}", format_bytes(static_cast<int64_t>(limits_.line_bytes))));
  return {};
}

Result<void> KitLines::finish() {
  if (!pending_.empty()) RETURN_IF_ERROR(take_line(std::exchange(pending_, {})));
  if (hello_) return {};
  return fail(remarks_.other_lines > 0
                  ? fmt::format("it never said hello; it printed: {}", remarks_.other_line)
                  : std::string("it never said hello"));
}

Result<void> KitLines::take_line(std::string line) {
  if (++lines_ > limits_.lines) return fail(fmt::format("it printed more than {} lines", limits_.lines));
  const std::string_view text = trim(line);
  if (text.empty()) return {};
  // What is told of a line is told without secrets.
  const std::string shown = with_hidden(std::string(text), secrets_);
  if (!text.starts_with('{')) return take_other(shown);
  Result<Json> json = Json::parse(text, "kit");
  if (!json || !json->is_object()) {
    const std::string why = json ? "it is no JSON object" : words_of_parse_error(text, json.error());
    if (!hello_)
      return fail(fmt::format("its first line is no hello: {}", printable(shown, kQuotedLineBytes)));
    return refuse_line(shown, with_hidden(why, secrets_));
  }
  if (!secrets_.empty()) json = with_hidden(*json, secrets_, true);
  const std::string& type = (*json)["type"].as_string();
  const auto* kind = std::ranges::find(kLineKinds, type, &std::pair<const char*, KitLineKind>::first);
  if (!hello_) {
    if (type != "hello")
      return fail(fmt::format("its first line is no hello: {}", printable(shown, kQuotedLineBytes)));
    return take_hello(*json);
  }
  if (kind == std::end(kLineKinds))
    return refuse_line(
        shown, fmt::format("its type is '{}', which the protocol does not have", printable(type, 40)));
  if (const std::string why = out_of_place(kind->second); !why.empty()) return refuse_line(shown, why);
  return take_known({kind->second, *json});
}

Result<void> KitLines::take_other(std::string_view line) {
  if (remarks_.other_lines++ == 0) remarks_.other_line = printable(line, kQuotedLineBytes);
  if (other_output_.size() < kOtherOutputBytes) {
    other_output_ += line.substr(0, kOtherOutputBytes - other_output_.size());
    other_output_ += '\n';
  }
  if (remarks_.other_lines <= limits_.other_lines) return {};
  return fail(fmt::format("it printed more than {} lines that are none of the protocol, the first: {}",
                          limits_.other_lines, remarks_.other_line));
}

Result<void> KitLines::take_hello(const Json& json) {
  const std::string& protocol = json["protocol"].as_string();
  if (protocol != kKitProtocol) {
    return fail(fmt::format("it speaks the protocol '{}', and this version of assay knows '{}'",
                            printable(protocol, 40), kKitProtocol));
  }
  const std::string& name = json["name"].as_string();
  const std::string& version = json["version"].as_string();
  if (!is_kit_name(name))
    return fail(fmt::format(
        "its hello names no kit that could be told ('{}'): letters, digits, '.', '_' and '-', {} at most",
        printable(name, 40), kMaxKitNameBytes));
  if (version.empty()) return fail("its hello tells no version");
  hello_ = {name, printable(version, kMaxKitNameBytes)};
  return take_known({KitLineKind::kHello, json});
}

std::string KitLines::out_of_place(KitLineKind kind) const {
  if (is_done_) return "it stands behind done";
  if (is_absent_ && kind != KitLineKind::kDone && kind != KitLineKind::kFinding)
    return "it stands behind absent";
  switch (kind) {
    case KitLineKind::kHello:
      return "hello was said before";
    case KitLineKind::kDevice:
      if (has_device_) return "the device was told before";
      return has_record_ ? "the device is told before the first record" : "";
    case KitLineKind::kAbsent:
      return has_record_ ? "records were told, so that something is there" : "";
    default:
      return "";
  }
}

Result<void> KitLines::take_known(const KitLine& line) {
  has_device_ |= line.kind == KitLineKind::kDevice;
  has_record_ |= line.kind == KitLineKind::kRecord;
  is_done_ |= line.kind == KitLineKind::kDone;
  if (line.kind == KitLineKind::kAbsent) {
    is_absent_ = true;
    absent_reason_ = printable(line.json["reason"].as_string(), kMaxKitReasonBytes);
  }
  const Result<void> taken = take_(line);
  if (taken) return {};
  if (line.kind != KitLineKind::kRecord) return refuse_line(line.json.dump(), taken.error().what);
  if (remarks_.refused_records++ == 0) remarks_.refused_record = taken.error().what;
  return check_refused();
}

Result<void> KitLines::refuse_line(std::string_view line, const std::string& why) {
  if (remarks_.refused_lines++ == 0)
    remarks_.refused_line = fmt::format("{}: {}", why, printable(line, kQuotedLineBytes));
  return check_refused();
}

Result<void> KitLines::check_refused() const {
  if (remarks_.refused_lines + remarks_.refused_records <= limits_.refused) return {};
  return fail(fmt::format("more than {} of its lines and records had to be refused, the first since {}",
                          limits_.refused,
                          remarks_.refused_lines > 0 ? remarks_.refused_line : remarks_.refused_record));
}

}  // namespace assay
