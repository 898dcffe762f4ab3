// Common ancestors of cards; see pci_paths.h.
#include "exam/probe/pci_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kMostCards = 64;
constexpr size_t kMostKfdNodes = 256;
constexpr int64_t kMostKfdBytes = 64 << 10;

// Within one host bridge. A switch shows itself as a port upstream and one a slot downstream: two cards
// behind one switch share the former and have one bridge each below it.
PathKind path_below(const PciAccelerator& a, const PciAccelerator& b) {
  const auto [end_a, end_b] = std::ranges::mismatch(a.bridges, b.bridges);
  if (end_a == a.bridges.begin()) return PathKind::kPhb;  // each below a root port of its own
  const auto below = std::max(a.bridges.end() - end_a, b.bridges.end() - end_b);
  return below <= 1 ? PathKind::kPix : PathKind::kPxb;
}

// A line "KEY VALUE" of a file of the topology.
std::optional<int64_t> property(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    const size_t space = line.find(' ');
    if (space != std::string_view::npos && line.substr(0, space) == key)
      return parse_integer(trim(line.substr(space + 1)));
  }
  return std::nullopt;
}

// The PCI address of a node; "" of a processor. `location_id` is bus << 8 | device << 3 | function.
std::string kfd_address(const std::string& folder) {
  const std::string text = read_regular_file(folder + "/properties", kMostKfdBytes).value_or("");
  const std::optional<int64_t> location = property(text, "location_id"), domain = property(text, "domain");
  if (!location || *location <= 0 || *location > 0xffff || domain.value_or(0) < 0 ||
      domain.value_or(0) > 0x7fffffff)
    return "";
  return fmt::format("{:04x}:{:02x}:{:02x}.{}", domain.value_or(0), *location >> 8, *location >> 3 & 0x1f,
                     *location & 7);
}

}  // namespace

std::string_view name_of(PathKind kind) {
  constexpr std::string_view kNames[] = {"PIX", "PXB", "PHB", "NODE", "SYS"};
  return kNames[static_cast<size_t>(kind)];
}

std::optional<PathKind> path_between(const PciAccelerator& a, const PciAccelerator& b, int numa_nodes) {
  if (a.root_complex.empty() || b.root_complex.empty()) return std::nullopt;
  if (a.root_complex == b.root_complex) return path_below(a, b);
  if (numa_nodes == 1) return PathKind::kNode;
  if (!a.numa_node || !b.numa_node) return std::nullopt;
  return *a.numa_node == *b.numa_node ? PathKind::kNode : PathKind::kSys;
}

std::vector<CardPath> card_paths(const PciHost& host) {
  std::vector<const PciAccelerator*> cards;
  for (const PciAccelerator& card : host.accelerators) {
    if (!card.is_virtual() && cards.size() < kMostCards) cards.push_back(&card);
  }
  std::vector<CardPath> paths;
  for (size_t i = 0; i < cards.size(); ++i) {
    for (size_t j = i + 1; j < cards.size(); ++j) {
      if (const auto kind = path_between(*cards[i], *cards[j], host.numa_nodes))
        paths.push_back(
            {.from = cards[i]->address, .to = cards[j]->address, .kind = *kind, .peer_access = {}});
    }
  }
  return paths;
}

std::set<std::pair<std::string, std::string>> kfd_peer_access(const std::string& sysfs) {
  const std::string root = sysfs + "/class/kfd/kfd/topology/nodes";
  std::map<std::string, std::string> addresses;  // by the number of the node
  std::vector<std::string> nodes = list_directory(root).value_or(std::vector<std::string>());
  if (nodes.size() > kMostKfdNodes) nodes.resize(kMostKfdNodes);
  for (const std::string& node : nodes) {
    if (std::string address = kfd_address(fmt::format("{}/{}", root, node)); !address.empty())
      addresses[node] = std::move(address);
  }
  std::set<std::pair<std::string, std::string>> access;
  for (const auto& [node, from] : addresses) {
    for (const char* kind : {"io_links", "p2p_links"}) {
      const std::string folder = fmt::format("{}/{}/{}", root, node, kind);
      const std::vector<std::string> links = list_directory(folder).value_or(std::vector<std::string>());
      for (const std::string& link : std::span(links).first(std::min(links.size(), kMostKfdNodes))) {
        const std::string text =
            read_regular_file(fmt::format("{}/{}/properties", folder, link), kMostKfdBytes).value_or("");
        const std::optional<int64_t> to = property(text, "node_to");
        const auto other = addresses.find(std::to_string(to.value_or(-1)));
        if (other != addresses.end() && other->second != from) access.emplace(from, other->second);
      }
    }
  }
  return access;
}

Json paths_json(const std::vector<CardPath>& paths) {
  Json json = Json::array();
  for (const CardPath& path : paths) {
    Json item = Json::object();
    item.set("from", path.from).set("to", path.to).set("path", name_of(path.kind));
    if (path.peer_access) item.set("peer_access", *path.peer_access);
    json.push(std::move(item));
  }
  return json;
}

}  // namespace assay
