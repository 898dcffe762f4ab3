// PrefixTree: which prompts of a trace begin alike. Traces of the field name the blocks of each prompt by
// hash ids; requests that begin with the same ids share so much of their prompt. What matters of that is
// where chains part, so the tree keeps one node a stretch that some of the requests share and others leave:
// at most as many as there are requests, however long their prompts are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workload/request.h"

namespace assay {

class PrefixTree {
 public:
  static constexpr uint32_t kRoot = 0;  // shares nothing

  // Tokens from the start of the prompt to the end of the node.
  uint32_t tokens(uint32_t node) const { return nodes_[node].end_tokens; }
  // The same for equal stretches behind equal ones, whatever else is in the trace.
  uint64_t key(uint32_t node) const { return nodes_[node].key; }
  // The first `tokens` tokens of what `node` stands for, as stretches whose text depends on `seed` and on the
  // chain of ids up to them, and on nothing else; at most tokens(node).
  std::vector<PromptPart> parts(uint32_t node, uint32_t tokens, uint64_t seed) const;
  size_t nodes() const { return nodes_.size(); }

 private:
  friend class PrefixTreeBuilder;
  struct Node {
    uint32_t parent = kRoot;
    uint32_t end_tokens = 0;
    uint64_t key = 0;
  };
  std::vector<Node> nodes_ = {Node{}};
};

// Takes the chains one after the other, then makes the tree of what more than one of them shares.
class PrefixTreeBuilder {
 public:
  // No more ids than this are kept: a quarter of a GiB. What chains share counts once.
  static constexpr size_t kMaxIds = size_t{1} << 25;

  // Where the chain ends: a number that finish() turns into a node. False if there are too many ids.
  bool add(std::span<const uint64_t> ids, uint32_t& end);
  bool empty() const { return nodes_.size() == 1; }
  // `ends`: what add() gave, in any order; each becomes the node that holds what its chain shares with any
  // other. A block has `block_tokens` tokens (a fraction where lengths are scaled); ends are rounded.
  PrefixTree finish(double block_tokens, std::span<uint32_t> ends);

 private:
  struct Node {
    uint32_t parent = 0;
    uint32_t length = 0;  // ids of its stretch
    uint64_t first = 0;   // of them, in ids_
    uint32_t rows = 0;    // chains that end here; in finish(): or below
  };

  uint32_t& slot_of(uint32_t parent, uint64_t id);
  uint32_t new_node(uint32_t parent, uint64_t first, uint32_t length);
  uint32_t split(uint32_t node, uint32_t length);
  void grow();
  std::vector<uint32_t> children_first() const;

  std::vector<Node> nodes_ = {Node{}};
  std::vector<uint64_t> ids_;
  std::vector<uint32_t> slots_ = std::vector<uint32_t>(64);  // children by (parent, id); 0: free
};

}  // namespace assay
