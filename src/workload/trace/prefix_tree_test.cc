// What chains share, and the text that it becomes.
#include "workload/trace/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "workload/workload.h"

namespace assay::prefix_tree_test {

using Chain = std::vector<uint64_t>;

struct Built {
  PrefixTree tree;
  std::vector<uint32_t> nodes;  // of each chain
};

Built build(const std::vector<Chain>& chains, double block_tokens = 10) {
  PrefixTreeBuilder builder;
  Built built;
  for (const Chain& chain : chains) EXPECT_TRUE(builder.add(chain, built.nodes.emplace_back()));
  built.tree = builder.finish(block_tokens, built.nodes);
  return built;
}

std::vector<uint32_t> shared_tokens(const Built& built) {
  std::vector<uint32_t> tokens;
  for (const uint32_t node : built.nodes) tokens.push_back(built.tree.tokens(node));
  return tokens;
}

size_t common_prefix(const Chain& a, const Chain& b) {
  size_t length = 0;
  while (length < a.size() && length < b.size() && a[length] == b[length]) ++length;
  return length;
}

TEST(PrefixTree, ChainsShareWhatTheyBeginWithAlike) {
  const Built built = build({{1, 2, 3}, {1, 2, 4}, {1, 5}, {9, 9}, {}});
  EXPECT_EQ(shared_tokens(built), (std::vector<uint32_t>{20, 20, 10, 0, 0}));
  EXPECT_EQ(built.nodes[0], built.nodes[1]);
  EXPECT_EQ(built.nodes[3], PrefixTree::kRoot);
}

TEST(PrefixTree, AChainMayBeAPrefixOrARepetitionOfAnother) {
  EXPECT_EQ(shared_tokens(build({{1, 2, 3}, {1, 2}, {1, 2, 3}})), (std::vector<uint32_t>{30, 20, 30}));
  EXPECT_EQ(shared_tokens(build({{1, 2}, {1, 2, 3, 4}, {1}})), (std::vector<uint32_t>{20, 20, 10}));
  EXPECT_EQ(shared_tokens(build({{7, 7, 7}, {7, 7}})), (std::vector<uint32_t>{20, 20}));
}

TEST(PrefixTree, EqualPartsHaveEqualSeedsAndOthersDoNot) {
  const Built built = build({{1, 2, 3}, {1, 2, 3}, {1, 2, 4}, {1, 2, 4}, {2, 3}, {2, 3}});
  const auto parts = [&](size_t chain) { return built.tree.parts(built.nodes[chain], 1000, 5); };
  ASSERT_EQ(parts(0).size(), 2U);
  EXPECT_EQ(parts(0), parts(1));
  EXPECT_EQ(parts(0)[0], parts(2)[0]);
  EXPECT_EQ(parts(0)[0].tokens, 20U);
  EXPECT_NE(parts(0)[1].seed, parts(2)[1].seed);
  EXPECT_NE(parts(4)[0].seed, parts(0)[0].seed);
  EXPECT_NE(built.tree.parts(built.nodes[0], 1000, 6)[0].seed, parts(0)[0].seed);
  // Cut within the second part, and within the first.
  EXPECT_EQ(built.tree.parts(built.nodes[0], 25, 5)[1], (PromptPart{parts(0)[1].seed, 5}));
  EXPECT_EQ(built.tree.parts(built.nodes[0], 5, 5), (std::vector<PromptPart>{{parts(0)[0].seed, 5}}));
  EXPECT_TRUE(built.tree.parts(PrefixTree::kRoot, 100, 5).empty());
}

TEST(PrefixTree, ScaledBlocksAddUpWithoutDrift) {
  const Built built = build({{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3}, {1, 2}, {1}}, 0.3);
  EXPECT_EQ(shared_tokens(built), (std::vector<uint32_t>{1, 1, 1, 1, 0}));
  uint32_t sum = 0;
  for (const PromptPart& part : built.tree.parts(built.nodes[0], 1000, 1)) {
    EXPECT_GT(part.tokens, 0U);
    sum += part.tokens;
  }
  EXPECT_EQ(sum, 1U);
}

// Against the definition, on random chains of few ids: the node of each has what it shares with its nearest
// relative, and any two have equal tokens exactly as far as their ids go.
TEST(PrefixTree, AgreesWithTheDefinition) {
  Random random(3, random_stream("prefix tree"), 0);
  for (int round = 0; round < 200; ++round) {
    std::vector<Chain> chains(2 + random.below(20));
    for (Chain& chain : chains) {
      chain.resize(random.below(8));
      for (uint64_t& id : chain) id = random.below(3);
    }
    const Built built = build(chains);
    EXPECT_LE(built.tree.nodes(), chains.size() + 1);
    for (size_t a = 0; a < chains.size(); ++a) {
      size_t longest = 0;
      for (size_t b = 0; b < chains.size(); ++b) {
        if (a == b) continue;
        const size_t common = common_prefix(chains[a], chains[b]);
        longest = std::max(longest, common);
        const auto of_a = built.tree.parts(built.nodes[a], 10 * static_cast<uint32_t>(common), 1);
        EXPECT_EQ(of_a, built.tree.parts(built.nodes[b], 10 * static_cast<uint32_t>(common), 1));
      }
      EXPECT_EQ(built.tree.tokens(built.nodes[a]), 10 * longest);
    }
  }
}

// A conversation of a hundred thousand turns is one long chain.
TEST(PrefixTree, DeepChainsNeitherRecurseNorTakeSquares) {
  PrefixTreeBuilder builder;
  std::vector<uint32_t> ends(100'000);
  Chain chain;
  for (uint32_t& end : ends) {
    chain.push_back(chain.size());
    if (chain.size() > 64) chain = {chain.size()};
    ASSERT_TRUE(builder.add(chain, end));
  }
  const PrefixTree tree = builder.finish(1, ends);
  EXPECT_LE(tree.nodes(), ends.size() + 1);
}

TEST(PrefixTree, RefusesMoreIdsThanItMayKeep) {
  PrefixTreeBuilder builder;
  Chain chain(1'000'000);
  uint32_t end = 0;
  size_t taken = 0;
  for (; taken < 100; ++taken) {
    chain[0] = taken;
    if (!builder.add(chain, end)) break;
  }
  EXPECT_EQ(taken, PrefixTreeBuilder::kMaxIds / chain.size());
}

}  // namespace assay::prefix_tree_test
