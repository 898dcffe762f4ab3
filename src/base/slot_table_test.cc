// Keys that are never given twice.
#include "base/slot_table.h"

#include <gtest/gtest.h>

#include <set>

namespace assay::slot_table_test {

TEST(SlotTable, FindsWhatIsThereAndNothingElse) {
  SlotTable<int> table;
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(table.next_key()), nullptr) << "not before it is added";
  const uint64_t one = table.next_key();
  table.add(std::make_unique<int>(1));
  const uint64_t two = table.next_key();
  table.add(std::make_unique<int>(2));
  EXPECT_EQ(*table.find(one), 1);
  EXPECT_EQ(*table.find(two), 2);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.find(two + (uint64_t{1} << 32)), nullptr);
  EXPECT_EQ(table.find(2), nullptr);
}

TEST(SlotTable, AKeyOfWhatIsGoneFindsNoLaterOne) {
  SlotTable<int> table;
  std::set<uint64_t> keys;
  for (int i = 0; i < 100; ++i) {
    const uint64_t key = table.next_key();
    EXPECT_TRUE(keys.insert(key).second);
    table.add(std::make_unique<int>(i));
    for (const uint64_t other : keys) EXPECT_EQ(table.find(other) != nullptr, other == key);
    table.erase(key);
    EXPECT_EQ(table.size(), 0U);
  }
}

TEST(SlotTable, VisitsAndClearsAll) {
  SlotTable<int> table;
  uint64_t second = 0;
  for (int i = 0; i < 5; ++i) {
    if (i == 1) second = table.next_key();
    table.add(std::make_unique<int>(i));
  }
  table.erase(second);
  int sum = 0;
  table.for_each([&](int value) { sum += value; });
  EXPECT_EQ(sum, 0 + 2 + 3 + 4);
  const uint64_t before = table.next_key();
  table.clear();
  EXPECT_EQ(table.size(), 0U);
  table.for_each([](int) { FAIL(); });
  EXPECT_EQ(table.find(before), nullptr);
  const uint64_t after = table.next_key();
  table.add(std::make_unique<int>(9));
  EXPECT_EQ(*table.find(after), 9);
}

}  // namespace assay::slot_table_test
