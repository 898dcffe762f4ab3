// Foreign folders over POSIX calls; see host_tree.h.
#include "os/host_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "os/file_errors.h"

namespace assay {
namespace {

constexpr int kMostTreeLinks = 40;  // as Linux itself
constexpr size_t kMostTreePathBytes = 4096;
// While a pattern is followed: paths that may still match, and names that were looked at.
constexpr size_t kMostExpanded = 5000, kMostExpandedNames = 200'000;
constexpr size_t kReadStepBytes = 256 << 10;

EntryKind kind_of_mode(mode_t mode) {
  if (S_ISREG(mode)) return EntryKind::kFile;
  if (S_ISDIR(mode)) return EntryKind::kFolder;
  if (S_ISLNK(mode)) return EntryKind::kLink;
  return S_ISSOCK(mode) ? EntryKind::kSocket : EntryKind::kOther;
}

EntryKind kind_of_entry(int folder, const dirent& entry) {
  switch (entry.d_type) {
    case DT_REG:
      return EntryKind::kFile;
    case DT_DIR:
      return EntryKind::kFolder;
    case DT_LNK:
      return EntryKind::kLink;
    case DT_SOCK:
      return EntryKind::kSocket;
    case DT_UNKNOWN:
      break;  // a file system that does not tell
    default:
      return EntryKind::kOther;
  }
  struct stat about{};
  if (::fstatat(folder, entry.d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) return EntryKind::kOther;
  return kind_of_mode(about.st_mode);
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// The names of a path, the last first.
void push_names(std::string_view path, std::vector<std::string>& left) {
  std::vector<std::string_view> names = split(path, '/');
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!name->empty() && *name != ".") left.emplace_back(*name);
  }
}

}  // namespace

HostTree::HostTree(std::string root) : root_(std::move(root)) {
  while (root_.ends_with('/')) root_.pop_back();
}

std::optional<std::string> HostTree::resolve(std::string_view path) const {
  std::vector<std::string> left;
  push_names(path, left);
  std::string done;  // without links
  int links = 0;
  while (!left.empty()) {
    const std::string name = std::move(left.back());
    left.pop_back();
    if (name == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    const std::string next = done + "/" + name;
    if (next.size() + root_.size() > kMostTreePathBytes) return std::nullopt;
    struct stat about{};
    if (::lstat(here(next).c_str(), &about) != 0) return std::nullopt;
    if (!S_ISLNK(about.st_mode)) {
      if (!left.empty() && !S_ISDIR(about.st_mode)) return std::nullopt;
      done = next;
      continue;
    }
    char target[PATH_MAX];
    const ssize_t size = ::readlink(here(next).c_str(), target, sizeof target);
    if (size <= 0 || ++links > kMostTreeLinks) return std::nullopt;
    const std::string_view text(target, static_cast<size_t>(size));
    if (text.front() == '/') done.clear();
    push_names(text, left);
  }
  return done.empty() ? "/" : done;
}

std::vector<HostEntry> HostTree::list(std::string_view folder, size_t most) const {
  std::vector<HostEntry> entries;
  const std::optional<std::string> real = resolve(folder);
  if (!real) return entries;
  const std::unique_ptr<DIR, CloseFolder> opened(::opendir(here(*real).c_str()));
  if (opened == nullptr) return entries;
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() >= most) break;
    entries.push_back({std::string(name), kind_of_entry(::dirfd(opened.get()), *entry)});
  }
  std::ranges::sort(entries, {}, &HostEntry::name);
  return entries;
}

std::vector<std::string> HostTree::expand(std::string_view pattern, size_t most) const {
  std::vector<std::string> found = {""};
  size_t seen = 0;
  for (const std::string_view part : split(pattern, '/')) {
    if (part.empty()) continue;
    std::vector<std::string> next;
    for (const std::string& folder : found) {
      if (part.find_first_of("*[") == std::string_view::npos) {
        next.push_back(fmt::format("{}/{}", folder, part));
        continue;
      }
      if (seen > kMostExpandedNames) break;
      for (const HostEntry& entry : list(folder.empty() ? "/" : folder)) {
        ++seen;
        if (next.size() < kMostExpanded && matches_pattern(entry.name, part))
          next.push_back(fmt::format("{}/{}", folder, entry.name));
      }
    }
    found = std::move(next);
  }
  std::erase_if(found, [&](const std::string& path) { return !resolve(path); });
  if (found.size() > most) found.resize(most);
  return found;
}

bool HostTree::is_folder(std::string_view path) const {
  const std::optional<std::string> real = resolve(path);
  struct stat about{};
  return real && ::lstat(here(*real).c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

bool HostTree::is_program(std::string_view path) const {
  const std::optional<std::string> real = resolve(path);
  struct stat about{};
  return real && ::lstat(here(*real).c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
         (about.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

Result<FileDescriptor> HostTree::open(std::string_view path) const {
  const std::optional<std::string> real = resolve(path);
  if (!real) return fail("there is no such file", path);
  FileDescriptor fd(::open(here(*real).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY));
  if (!fd.valid()) return fail_errno("open", std::string(path));
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) return fail("is no regular file", path);
  return fd;
}

std::optional<std::string> HostTree::head(std::string_view path, size_t most_bytes) const {
  const Result<FileDescriptor> fd = open(path);
  if (!fd) return std::nullopt;
  return read_part(fd->get(), 0, most_bytes);
}

std::string read_part(int fd, int64_t offset, size_t size) {
  // Grows with what is there: a bound of megabytes costs nothing where the file has a line.
  std::string out;
  while (out.size() < size) {
    const size_t done = out.size();
    out.resize(done + std::min(size - done, kReadStepBytes));
    const ssize_t n = ::pread(fd, out.data() + done, out.size() - done, offset + static_cast<int64_t>(done));
    out.resize(done + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
  }
  return out;
}

int64_t size_of(int fd) {
  struct stat about{};
  return ::fstat(fd, &about) == 0 ? int64_t{about.st_size} : 0;
}

bool matches_pattern(std::string_view name, std::string_view pattern) {
  size_t at = 0, in = 0, star = std::string_view::npos, resume = 0;
  while (at < name.size()) {
    const bool is_digit = pattern.substr(in).starts_with("[0-9]");
    if (in < pattern.size() && pattern[in] == '*') {
      star = in++;
      resume = at;
    } else if (is_digit && name[at] >= '0' && name[at] <= '9') {
      in += 5;
      ++at;
    } else if (!is_digit && in < pattern.size() && pattern[in] == name[at]) {
      ++in;
      ++at;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (in < pattern.size() && pattern[in] == '*') ++in;
  return in == pattern.size();
}

}  // namespace assay
