// Room taken and given back in every order.
#include "load/chunk_store.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay::chunk_store_test {

// Requests of every size, some larger than a segment, each with stamps of its own, given back in another
// order.
TEST(ChunkStore, WhatIsTakenIsKeptUntilItIsGivenBack) {
  ChunkStore store;
  std::vector<std::pair<ChunkStore::Place, uint32_t>> taken;
  for (uint32_t i = 0; i < 300; ++i) {
    const uint32_t count = i % 50 == 49 ? 100'000 : 1 + i * 7;
    taken.push_back({store.take(count), count});
    for (uint32_t k = 0; k < count; ++k) {
      store.at_ns(taken.back().first)[k] = i * 1'000'000 + k;
      store.tokens(taken.back().first)[k] = static_cast<uint16_t>(i);
    }
  }
  for (uint32_t step = 0; step < 300; ++step) {
    const uint32_t i = (step * 7) % 300;
    const auto [place, count] = taken[i];
    for (uint32_t k = 0; k < count; ++k) {
      ASSERT_EQ(store.at_ns(place)[k], i * 1'000'000 + k);
      ASSERT_EQ(store.tokens(place)[k], i);
    }
    store.give_back(place);
  }
  const ChunkStore::Place again = store.take(1);
  store.at_ns(again)[0] = 5;
  EXPECT_EQ(store.at_ns(again)[0], 5);
}

}  // namespace assay::chunk_store_test
