// A radix tree over chains of hash ids. While it is built a node may be split; the lower half keeps its
// number, so that ends that were given out stay true.
#include "workload/trace/prefix_tree.h"

#include <algorithm>
#include <cmath>

#include "base/base.h"

namespace assay {
namespace {

uint64_t mixed(uint64_t a, uint64_t b) {
  return Random(a, b, 0).next();
}

}  // namespace

std::vector<PromptPart> PrefixTree::parts(uint32_t node, uint32_t tokens, uint64_t seed) const {
  static const uint64_t kText = random_stream("block text");
  CHECK(node < nodes_.size());
  std::vector<PromptPart> parts;
  for (; node != kRoot; node = nodes_[node].parent) {
    const Node& at = nodes_[node];
    const uint32_t begin = nodes_[at.parent].end_tokens, end = std::min(at.end_tokens, tokens);
    if (begin < end) parts.push_back({Random(seed, kText, at.key).next(), end - begin});
  }
  std::ranges::reverse(parts);
  return parts;
}

// ---- building ----

// The place of the child of `parent` that begins with `id`: its number, or 0 where it would stand.
uint32_t& PrefixTreeBuilder::slot_of(uint32_t parent, uint64_t id) {
  const size_t mask = slots_.size() - 1;
  for (size_t i = mixed(id, parent) & mask;; i = (i + 1) & mask) {
    const uint32_t node = slots_[i];
    if (node == 0 || (nodes_[node].parent == parent && ids_[nodes_[node].first] == id)) return slots_[i];
  }
}

void PrefixTreeBuilder::grow() {
  if (2 * (nodes_.size() + 2) < slots_.size()) return;
  slots_.assign(2 * slots_.size(), 0);
  for (uint32_t node = 1; node < nodes_.size(); ++node)
    slot_of(nodes_[node].parent, ids_[nodes_[node].first]) = node;
}

uint32_t PrefixTreeBuilder::new_node(uint32_t parent, uint64_t first, uint32_t length) {
  nodes_.push_back({parent, length, first, 0});
  return static_cast<uint32_t>(nodes_.size() - 1);
}

// The first `length` ids of `node` become a node of their own above it, which is returned.
uint32_t PrefixTreeBuilder::split(uint32_t node, uint32_t length) {
  const uint32_t above = new_node(nodes_[node].parent, nodes_[node].first, length);
  slot_of(nodes_[node].parent, ids_[nodes_[node].first]) = above;
  nodes_[node].parent = above;
  nodes_[node].first += length;
  nodes_[node].length -= length;
  slot_of(above, ids_[nodes_[node].first]) = node;
  return above;
}

bool PrefixTreeBuilder::add(std::span<const uint64_t> ids, uint32_t& end) {
  uint32_t node = 0;
  while (!ids.empty()) {
    grow();
    uint32_t& slot = slot_of(node, ids.front());
    if (slot == 0) {
      if (ids_.size() + ids.size() > kMaxIds) return false;
      const uint64_t first = ids_.size();
      ids_.insert(ids_.end(), ids.begin(), ids.end());
      slot = static_cast<uint32_t>(nodes_.size());  // before new_node: the slot is compared by what it holds
      node = new_node(node, first, static_cast<uint32_t>(ids.size()));
      break;
    }
    node = slot;
    uint32_t same = 0;
    const uint64_t* stretch = ids_.data() + nodes_[node].first;
    while (same < nodes_[node].length && same < ids.size() && stretch[same] == ids[same]) ++same;
    ids = ids.subspan(same);
    if (same < nodes_[node].length) node = split(node, same);
  }
  end = node;
  nodes_[node].rows += 1;
  return true;
}

// Every node before its parent, the root last.
std::vector<uint32_t> PrefixTreeBuilder::children_first() const {
  std::vector<uint32_t> waiting(nodes_.size()), order;
  for (size_t node = 1; node < nodes_.size(); ++node) ++waiting[nodes_[node].parent];
  order.reserve(nodes_.size());
  for (uint32_t node = 1; node < nodes_.size(); ++node) {
    if (waiting[node] == 0) order.push_back(node);
  }
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t parent = nodes_[order[i]].parent;
    if (--waiting[parent] == 0 && parent != 0) order.push_back(parent);
  }
  order.push_back(0);
  return order;
}

PrefixTree PrefixTreeBuilder::finish(double block_tokens, std::span<uint32_t> ends) {
  const std::vector<uint32_t> order = children_first();
  for (const uint32_t node : order) {
    if (node != 0) nodes_[nodes_[node].parent].rows += nodes_[node].rows;
  }
  PrefixTree tree;
  std::vector<uint32_t> becomes(nodes_.size());  // of a node that only one chain reaches: its parent's
  std::vector<uint64_t> blocks(nodes_.size());   // from the root to the end of the node
  for (size_t i = order.size() - 1; i-- > 0;) {
    const uint32_t node = order[i];
    const Node& at = nodes_[node];
    blocks[node] = blocks[at.parent] + at.length;
    becomes[node] = becomes[at.parent];
    if (at.rows < 2) continue;
    const double tokens = std::round(static_cast<double>(blocks[node]) * block_tokens);
    becomes[node] = static_cast<uint32_t>(tree.nodes_.size());
    tree.nodes_.push_back({becomes[at.parent], static_cast<uint32_t>(std::min(tokens, 4e9)),
                           mixed(tree.key(becomes[at.parent]), ids_[at.first])});
  }
  for (uint32_t& end : ends) end = becomes[end];
  return tree;
}

}  // namespace assay
