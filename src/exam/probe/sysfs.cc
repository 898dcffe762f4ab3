// Checked values of sysfs; see sysfs.h.
#include "exam/probe/sysfs.h"

#include <fmt/format.h>

#include <charconv>

#include "exam/findings.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr int64_t kMostSysfsBytes = 4096;  // of one value: a page, as the kernel has it
constexpr int64_t kMostSysfsTableBytes = 64 << 10;
constexpr size_t kMostSysfsFindings = 20;
constexpr size_t kMostSysfsLine = 200;

std::optional<uint64_t> parse_hex(std::string_view text) {
  if (!text.starts_with("0x") || text.size() > 18) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string> SysfsReader::whole(const std::string& file) {
  if (!file_exists(file)) return std::nullopt;
  Result<std::string> content = read_regular_file(file, kMostSysfsTableBytes);
  if (content) return std::move(*content);
  complain(file, content.error().what);
  return std::nullopt;
}

std::optional<std::string> SysfsReader::text(const std::string& file) {
  const std::optional<std::string> content = whole(file);
  if (!content) return std::nullopt;
  const std::string_view line = trim(*content);
  if (static_cast<int64_t>(content->size()) > kMostSysfsBytes || line.size() > kMostSysfsLine ||
      printable(line, kMostSysfsLine) != line) {
    complain(file, fmt::format("holds '{}', which is no line of text", printable(line, 40)));
    return std::nullopt;
  }
  return std::string(line);
}

std::optional<int64_t> SysfsReader::integer(const std::string& file, int64_t least, int64_t most) {
  const std::optional<std::string> line = text(file);
  if (!line) return std::nullopt;
  const std::optional<int64_t> value = parse_integer(*line);
  if (value && *value >= least && *value <= most) return value;
  complain(file, fmt::format("holds '{}' instead of a whole number from {} to {}", printable(*line, 40),
                             least, most));
  return std::nullopt;
}

std::optional<uint32_t> SysfsReader::hex(const std::string& file, uint32_t most) {
  const std::optional<std::string> line = text(file);
  if (!line) return std::nullopt;
  const std::optional<uint64_t> value = parse_hex(*line);
  if (value && *value <= most) return static_cast<uint32_t>(*value);
  complain(file,
           fmt::format("holds '{}' instead of a number from 0x0 to 0x{:x}", printable(*line, 40), most));
  return std::nullopt;
}

std::optional<std::string> SysfsReader::link_name(const std::string& link) {
  const Result<std::string> target = read_link(link);
  if (!target) {
    // A link that is not there is the usual case; something else in its place is not.
    if (file_exists(link)) complain(link, "is no link, as it should be");
    return std::nullopt;
  }
  const std::string_view name = std::string_view(*target).substr(target->rfind('/') + 1);
  if (!name.empty() && name.size() <= kMostSysfsLine && name != "." && name != ".." &&
      printable(name, kMostSysfsLine) == name)
    return std::string(name);
  complain(link, fmt::format("points at '{}', which ends in no name", printable(*target, 60)));
  return std::nullopt;
}

void SysfsReader::complain(const std::string& file, std::string_view what) {
  if (findings_.size() >= kMostSysfsFindings) {
    ++left_out_;
    return;
  }
  const std::string shown = printable(roots_.of_host(file), 300);
  findings_.push_back(
      make_finding(Severity::kDoubtful, "probe.corrupt-sysfs",
                   fmt::format("{}: {}. What the kernel tells there stays unknown.", shown, what),
                   Json::object().set("file", shown)));
}

std::vector<Finding> SysfsReader::take_findings() {
  if (left_out_ > 0) {
    findings_.push_back(
        make_finding(Severity::kDoubtful, "probe.corrupt-sysfs",
                     fmt::format("{} more could not be read either.", counted(left_out_, "file")),
                     Json::object().set("files", left_out_)));
    left_out_ = 0;
  }
  return std::exchange(findings_, {});
}

}  // namespace assay
