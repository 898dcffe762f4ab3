// ld.so.cache and ld.so.conf; see library_paths.h.
#include "exam/probe/library_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

namespace assay {
namespace {

constexpr std::string_view kOldMagic = "ld.so-1.7.0", kNewMagic = "glibc-ld.so.cache1.1";
constexpr size_t kOldHeaderBytes = 16, kOldEntryBytes = 12, kNewHeaderBytes = 48, kNewEntryBytes = 24;
constexpr size_t kMostCacheEntries = 50'000, kMostConfFolders = 300, kMostConfBytes = 64 << 10;
constexpr size_t kMostConfFiles = 300, kMostConfPatterns = 50;

constexpr const char* kUsualFolders[] = {"/lib",
                                         "/lib64",
                                         "/usr/lib",
                                         "/usr/lib64",
                                         "/lib/x86_64-linux-gnu",
                                         "/usr/lib/x86_64-linux-gnu",
                                         "/lib/aarch64-linux-gnu",
                                         "/usr/lib/aarch64-linux-gnu",
                                         "/usr/local/lib",
                                         "/usr/local/lib64",
                                         "/usr/lib/wsl/lib"};

std::optional<uint32_t> u32_at(std::string_view bytes, size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < 4) return std::nullopt;
  uint32_t value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// A text that ends within the bytes.
std::string_view text_at(std::string_view bytes, size_t offset) {
  if (offset >= bytes.size()) return {};
  const std::string_view rest = bytes.substr(offset);
  const size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view{} : rest.substr(0, end);
}

// Entries of `size` bytes whose second and third words are offsets of name and path into `texts`.
void take_entries(std::string_view entries, size_t size, uint32_t count, std::string_view texts,
                  std::vector<CachedLibrary>& out) {
  for (uint32_t i = 0; i < count && out.size() < kMostCacheEntries; ++i) {
    const auto key = u32_at(entries, i * size + 4), value = u32_at(entries, i * size + 8);
    if (!key || !value) return;
    const std::string_view name = text_at(texts, *key), path = text_at(texts, *value);
    if (!name.empty() && path.starts_with('/') && path.size() < 4096)
      out.emplace_back(std::string(name), std::string(path));
  }
}

std::vector<CachedLibrary> new_entries(std::string_view cache) {
  std::vector<CachedLibrary> out;
  const auto count = u32_at(cache, kNewMagic.size());
  if (count && cache.size() >= kNewHeaderBytes)
    take_entries(cache.substr(kNewHeaderBytes), kNewEntryBytes, *count, cache, out);
  return out;
}

void add_folder(std::string_view folder, std::vector<std::string>& folders) {
  while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  if (!folder.starts_with('/') || folders.size() >= kMostConfFolders) return;
  if (std::ranges::find(folders, folder) == folders.end()) folders.emplace_back(folder);
}

// Folders without the type that an old file may add: "/usr/lib=libc6".
void take_folders(std::string_view line, std::vector<std::string>& folders) {
  size_t at = 0;
  while (at < line.size()) {
    const size_t end = std::min(line.find_first_of(" \t:,", at), line.size());
    const std::string_view word = line.substr(at, end - at);
    add_folder(word.substr(0, word.find('=')), folders);
    at = end + 1;
  }
}

// One reading of ld.so.conf and what it includes, each file once: files may include each other in circles.
class Configuration {
 public:
  explicit Configuration(const HostTree& tree) : tree_(tree) {}

  std::vector<std::string> read() {
    take_file("/etc/ld.so.conf");
    return std::move(folders_);
  }

 private:
  void take_file(const std::string& file) {
    const std::optional<std::string> real = tree_.resolve(file);
    if (!real || files_.size() >= kMostConfFiles || !files_.insert(*real).second) return;
    const std::optional<std::string> text = tree_.head(*real, kMostConfBytes);
    if (!text) return;
    for (const std::string_view line : split(*text, '\n')) take_line(file, line);
  }

  void take_line(const std::string& file, std::string_view line) {
    line = trim(line.substr(0, line.find('#')));
    constexpr std::string_view kInclude = "include";
    if (line.starts_with("hwcap ")) return;
    const bool is_include = line.starts_with(kInclude) && line.size() > kInclude.size() &&
                            (line[kInclude.size()] == ' ' || line[kInclude.size()] == '\t');
    if (!is_include) return take_folders(line, folders_);
    for (const std::string_view word : split(trim(line.substr(kInclude.size())), ' ')) {
      if (word.empty() || ++patterns_ > kMostConfPatterns) continue;
      const std::string pattern =
          word.starts_with('/') ? std::string(word) : fmt::format("{}/{}", parent_directory(file), word);
      for (const std::string& included : tree_.expand(pattern, kMostConfFiles)) take_file(included);
    }
  }

  const HostTree& tree_;
  std::set<std::string> files_;  // that were read
  size_t patterns_ = 0;
  std::vector<std::string> folders_;
};

}  // namespace

std::vector<CachedLibrary> parse_ld_cache(std::string_view bytes) {
  if (bytes.starts_with(kNewMagic)) return new_entries(bytes);
  std::vector<CachedLibrary> out;
  if (!bytes.starts_with(kOldMagic)) return out;
  const uint32_t count = u32_at(bytes, 12).value_or(0);
  const size_t end = kOldHeaderBytes + size_t{count} * kOldEntryBytes;
  if (end > bytes.size()) return out;
  // The new format follows, if at all, at the next multiple of its alignment.
  for (const size_t alignment : {8, 4}) {
    const size_t at = (end + alignment - 1) / alignment * alignment;
    if (at < bytes.size() && bytes.substr(at).starts_with(kNewMagic)) return new_entries(bytes.substr(at));
  }
  take_entries(bytes.substr(kOldHeaderBytes), kOldEntryBytes, count, bytes.substr(end), out);
  return out;
}

std::vector<std::string> configured_folders(const HostTree& tree) {
  return Configuration(tree).read();
}

std::vector<std::string> library_folders(const HostTree& tree, std::string_view ld_library_path) {
  std::vector<std::string> folders;
  std::string path(ld_library_path);
  std::ranges::replace(path, ';', ':');
  for (const std::string_view folder : split(path, ':')) add_folder(folder, folders);
  for (const std::string& folder : configured_folders(tree)) add_folder(folder, folders);
  for (const char* folder : kUsualFolders) add_folder(folder, folders);
  return folders;
}

}  // namespace assay
