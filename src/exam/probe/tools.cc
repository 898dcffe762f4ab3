// Looks for programs by their names; see tools.h.
#include "exam/probe/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace assay {
namespace {

constexpr const char* kUsualPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin:/snap/bin:/run/current-system/sw/bin";
constexpr size_t kMostPathFolders = 100, kMostTools = 300;

struct ToolRow {
  const VendorProfile* profile;
  const ProfileTool* tool;
};
using ToolRows = std::map<std::string, std::vector<ToolRow>, std::less<>>;

ToolRows tool_rows(const ProfileCatalogue& profiles) {
  ToolRows rows;
  for (const VendorProfile& profile : profiles.profiles()) {
    for (const ProfileTool& tool : profile.tools) rows[tool.name].push_back({&profile, &tool});
  }
  return rows;
}

// The row that a program at `real` is; nothing where it merely has the name.
std::optional<FoundTool> tool_at(const std::vector<ToolRow>& rows, const StackRoot* root,
                                 const std::vector<const VendorProfile*>& is_here) {
  const auto made = [](const ToolRow& row, const VendorProfile* profile) {
    FoundTool tool;
    tool.role = row.tool->role;
    tool.capability = row.tool->capability;
    tool.version_flag = row.tool->version_flag;
    tool.profile = profile != nullptr && profile->is_neutral ? nullptr : profile;
    return tool;
  };
  if (root != nullptr) {
    const auto own = std::ranges::find(rows, root->profile, &ToolRow::profile);
    if (own != rows.end()) return made(*own, root->profile);
  }
  std::vector<ToolRow> open;
  for (const ToolRow& row : rows) {
    if (!row.tool->only_in_roots) open.push_back(row);
  }
  if (open.empty()) return std::nullopt;
  // A vendor's folder may hold another's program under its own name (a compiler that takes CUDA code).
  if (root != nullptr) return made(open.front(), root->profile);
  std::vector<ToolRow> likely;
  for (const ToolRow& row : open) {
    if (std::ranges::find(is_here, row.profile) != is_here.end()) likely.push_back(row);
  }
  if (open.size() == 1) return made(open.front(), open.front().profile);
  if (likely.size() == 1) return made(likely.front(), likely.front().profile);
  FoundTool tool = made(open.front(), nullptr);
  tool.is_ambiguous = true;
  return tool;
}

}  // namespace

std::vector<FoundTool> find_tools(const HostTree& tree, const ProfileCatalogue& profiles,
                                  const StackFiles& stacks, std::string_view path,
                                  const std::vector<const VendorProfile*>& is_here) {
  const ToolRows rows = tool_rows(profiles);
  std::map<std::pair<std::string, std::string>, FoundTool> found;  // by name and real path
  const auto offer = [&](const std::string& name, const std::string& at) {
    const auto row = rows.find(name);
    if (row == rows.end() || found.size() >= kMostTools || !tree.is_program(at)) return;
    const std::optional<std::string> real = tree.resolve(at);
    if (!real || found.contains({name, *real})) return;
    std::optional<FoundTool> tool = tool_at(row->second, stacks.root_of(*real), is_here);
    if (!tool) return;
    tool->name = name;
    tool->path = at;
    found.emplace(std::pair(name, *real), std::move(*tool));
  };
  std::vector<std::string_view> folders = split(path.empty() ? std::string_view(kUsualPath) : path, ':');
  if (folders.size() > kMostPathFolders) folders.resize(kMostPathFolders);
  for (const std::string_view folder : folders) {
    if (!folder.starts_with('/') || !tree.is_folder(folder)) continue;
    for (const auto& [name, row] : rows) offer(name, fmt::format("{}/{}", folder == "/" ? "" : folder, name));
  }
  for (const StackFile& file : stacks.tools) offer(file.name, file.path);
  std::vector<FoundTool> tools;
  for (auto& [key, tool] : found) tools.push_back(std::move(tool));
  return tools;
}

}  // namespace assay
