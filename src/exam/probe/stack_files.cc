// Walks the folders of stacks; see stack_files.h.
#include "exam/probe/stack_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace assay {
namespace {

constexpr int kMostStackDepth = 6;
constexpr size_t kMostStackFolders = 1500, kMostStackEntries = 80'000, kMostStackFiles = 2000;
constexpr size_t kMostVersionFileBytes = 4096;

// Headers, documents and examples: large, and nothing that runs. Stubs are for linkers.
constexpr std::string_view kSkippedFolders[] = {
    "include",     "doc",   "docs",      "share",         "man",           "samples", "examples",
    "src",         "stubs", "locale",    "site-packages", "dist-packages", "opp",     "kernels",
    "__pycache__", "cmake", "pkgconfig", "licenses",      "tests"};

bool is_version_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_skipped(std::string_view name) {
  return name.starts_with('.') || std::ranges::find(kSkippedFolders, name) != std::end(kSkippedFolders);
}

struct Names {
  std::set<std::string, std::less<>> libraries, tools;
};

Names names_of(const ProfileCatalogue& profiles) {
  Names names;
  for (const VendorProfile& profile : profiles.profiles()) {
    for (const ProfileLibrary& library : profile.libraries) names.libraries.insert(library.name);
    for (const ProfileTool& tool : profile.tools) names.tools.insert(tool.name);
  }
  return names;
}

// One walk; folders are queued without links, each once over all walks.
class StackWalk {
 public:
  StackWalk(const HostTree& tree, const Names& names, std::set<std::string>& seen, StackFiles& out)
      : tree_(tree), names_(names), seen_(seen), out_(out) {}

  void run(const std::string& root) {
    visit_later(root, 0);
    size_t folders = 0, entries = 0;
    while (!left_.empty()) {
      const auto [folder, depth] = std::move(left_.front());
      left_.pop_front();
      if (++folders > kMostStackFolders || entries > kMostStackEntries) {
        out_.is_cut_off = true;
        return;
      }
      for (const HostEntry& entry : tree_.list(folder)) {
        ++entries;
        take(folder, entry, depth);
      }
    }
  }

 private:
  void take(const std::string& folder, const HostEntry& entry, int depth) {
    const std::string path = fmt::format("{}/{}", folder, entry.name);
    const bool may_be_folder = entry.kind == EntryKind::kFolder || entry.kind == EntryKind::kLink;
    if (names_.libraries.contains(library_base_name(entry.name))) {
      keep(out_.libraries, {entry.name, path});
    } else if (names_.tools.contains(entry.name) && tree_.is_program(path)) {
      keep(out_.tools, {entry.name, path});
    } else if (may_be_folder && depth < kMostStackDepth && !is_skipped(entry.name)) {
      visit_later(path, depth + 1);
    }
  }

  void keep(std::vector<StackFile>& files, StackFile file) {
    if (files.size() < kMostStackFiles)
      files.push_back(std::move(file));
    else
      out_.is_cut_off = true;
  }

  void visit_later(const std::string& path, int depth) {
    const std::optional<std::string> real = tree_.resolve(path);
    // A link to the whole host, as containers have them, is no part of a stack.
    if (!real || *real == "/" || split(*real, '/').size() < 3 || !tree_.is_folder(*real)) return;
    if (seen_.insert(*real).second) left_.emplace_back(*real, depth);
  }

  const HostTree& tree_;
  const Names& names_;
  std::set<std::string>& seen_;
  StackFiles& out_;
  std::deque<std::pair<std::string, int>> left_;
};

bool lies_in(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

std::string without_comments(std::string_view text) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) {
    if (!trim(line).starts_with('#')) out += fmt::format("{}\n", line);
  }
  return out;
}

void read_versions(const HostTree& tree, const VendorProfile& profile, std::vector<StackRoot>& roots) {
  for (const std::string& pattern : profile.version_files) {
    for (const std::string& file : tree.expand(pattern)) {
      const std::optional<std::string> real = tree.resolve(file),
                                       text = tree.head(file, kMostVersionFileBytes);
      if (!real || !text) continue;
      const std::string version = first_version(without_comments(*text));
      if (version.empty()) continue;
      for (StackRoot& root : roots) {
        if (root.profile == &profile && root.version.empty() && lies_in(*real, root.path)) {
          root.version = version;
          root.version_file = file;
        }
      }
    }
  }
}

}  // namespace

const StackRoot* StackFiles::root_of(std::string_view path) const {
  const StackRoot* found = nullptr;
  for (const StackRoot& root : roots) {
    if (lies_in(path, root.path) && (found == nullptr || root.path.size() > found->path.size()))
      found = &root;
  }
  return found;
}

std::string_view library_base_name(std::string_view file_name) {
  const size_t at = file_name.find(".so");
  if (!file_name.starts_with("lib") || at == std::string_view::npos) return {};
  const std::string_view rest = file_name.substr(at + 3);
  const bool is_version = rest.empty() || (rest.size() > 1 && rest[0] == '.' && is_version_digit(rest[1]));
  return is_version ? file_name.substr(0, at + 3) : std::string_view{};
}

std::string_view library_file_version(std::string_view file_name) {
  const std::string_view base = library_base_name(file_name);
  return base.empty() || base.size() == file_name.size() ? std::string_view{}
                                                         : file_name.substr(base.size() + 1);
}

std::string first_version(std::string_view text) {
  constexpr size_t kMostVersionBytes = 40;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!is_version_digit(text[at])) continue;
    size_t end = at;
    const auto is_part = [](char c) {
      return is_version_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
             c == '-' || c == '+';
    };
    while (end < text.size() && is_part(text[end])) ++end;
    std::string_view word = text.substr(at, end - at);
    while (!word.empty() && (word.back() == '.' || word.back() == '-' || word.back() == '+'))
      word.remove_suffix(1);
    const size_t dot = word.find('.');
    const bool is_version = dot != std::string_view::npos && dot + 1 < word.size() &&
                            word.size() <= kMostVersionBytes &&
                            std::ranges::all_of(word.substr(0, dot), is_version_digit);
    if (is_version) return std::string(word);
    at = end;
  }
  return "";
}

StackFiles find_stack_files(const HostTree& tree, const ProfileCatalogue& profiles) {
  StackFiles out;
  const Names names = names_of(profiles);
  std::set<std::string> roots, seen;
  for (const VendorProfile& profile : profiles.profiles()) {
    for (const std::string& pattern : profile.roots) {
      for (const std::string& folder : tree.expand(pattern)) {
        const std::optional<std::string> real = tree.resolve(folder);
        if (real && tree.is_folder(*real) && *real != "/" && roots.insert(*real).second)
          out.roots.push_back({&profile, *real, "", ""});
      }
    }
  }
  // What a link leads to, of another's name: /usr/local/cuda may be CoreX's own folder.
  for (StackRoot& root : out.roots) {
    for (const VendorProfile& profile : profiles.profiles()) {
      const bool is_named = std::ranges::any_of(
          profile.roots, [&](const std::string& pattern) { return matches_pattern(root.path, pattern); });
      if (is_named) root.profile = &profile;
    }
  }
  for (const VendorProfile& profile : profiles.profiles()) read_versions(tree, profile, out.roots);
  for (const StackRoot& root : std::vector<StackRoot>(out.roots))
    StackWalk(tree, names, seen, out).run(root.path);
  return out;
}

}  // namespace assay
