// Columns: whatever goes in comes out, and no bytes from anywhere else do harm.
#include "evidence/columns.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace assay::columns_test {

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint64_t>(a[i]) != std::bit_cast<uint64_t>(b[i])) return false;
  }
  return true;
}

void expect_round_trip(const Columns& columns) {
  const Result<Columns> back = decode_columns(encode_columns(columns));
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_EQ(back->columns.size(), columns.columns.size());
  for (size_t i = 0; i < columns.columns.size(); ++i) {
    EXPECT_EQ(back->columns[i].name, columns.columns[i].name);
    EXPECT_EQ(back->columns[i].is_double, columns.columns[i].is_double);
    EXPECT_EQ(back->columns[i].integers, columns.columns[i].integers);
    EXPECT_TRUE(same_bits(back->columns[i].doubles, columns.columns[i].doubles));
  }
}

TEST(Columns, SmallIntegersAreWrittenAsAnyOthers) {
  Columns small, integers;
  small.add("tokens", std::vector<uint16_t>{1, 0, 65535, 2});
  integers.add("tokens", std::vector<int64_t>{1, 0, 65535, 2});
  EXPECT_EQ(small.rows(), 4U);
  EXPECT_EQ(encode_columns(small), encode_columns(integers));
}

// One integer or double of any magnitude, extremes included.
int64_t any_integer(Random& random) {
  switch (random.below(4)) {
    case 0:
      return std::numeric_limits<int64_t>::min();
    case 1:
      return std::numeric_limits<int64_t>::max();
    case 2:
      return static_cast<int64_t>(random.next() >> random.below(64));
    default:
      return -static_cast<int64_t>(random.next() >> (1 + random.below(63)));
  }
}

Columns any_columns(uint64_t seed) {
  Random random(seed, random_stream("columns"), 0);
  Columns columns;
  const uint64_t count = random.below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t rows = random.below(200);
    std::vector<int64_t> integers;
    std::vector<double> doubles;
    for (uint64_t k = 0; k < rows; ++k) {
      integers.push_back(any_integer(random));
      doubles.push_back(std::bit_cast<double>(random.next()));
    }
    if (random.below(2) == 0) {
      columns.add("integers_" + std::to_string(i), std::move(integers));
    } else {
      columns.add("doubles_" + std::to_string(i), std::move(doubles));
    }
  }
  return columns;
}

TEST(Columns, AnyValuesComeBackBitForBit) {
  for (uint64_t seed = 0; seed < 300; ++seed) expect_round_trip(any_columns(seed));
}

TEST(Columns, EmptyOnesComeBackToo) {
  expect_round_trip(Columns());
  Columns columns;
  columns.add("", std::vector<int64_t>{});
  columns.add("none", std::vector<double>{});
  expect_round_trip(columns);
}

TEST(Columns, AreFoundByNameAndType) {
  Columns columns;
  columns.add("sent_ns", std::vector<int64_t>{1, 2, 3});
  columns.add("score", std::vector<double>{0.5});
  EXPECT_EQ(columns.rows(), 3u);
  ASSERT_NE(columns.integers("sent_ns"), nullptr);
  EXPECT_EQ(columns.integers("sent_ns")->at(2), 3);
  EXPECT_EQ(columns.doubles("sent_ns"), nullptr);
  EXPECT_EQ(columns.integers("score"), nullptr);
  EXPECT_EQ(columns.doubles("score")->at(0), 0.5);
}

TEST(Columns, AHundredThousandRequestsPackIntoAFewBytesEach) {
  Random random(7, random_stream("requests"), 0);
  std::vector<int64_t> scheduled, first, tokens;
  int64_t now = 0;
  for (int i = 0; i < 100'000; ++i) {
    now += static_cast<int64_t>(random.exponential() * 1e7);
    scheduled.push_back(now);
    first.push_back(now + static_cast<int64_t>(random.exponential() * 1e8));
    tokens.push_back(static_cast<int64_t>(random.below(500)));
  }
  Columns columns;
  columns.add("scheduled_ns", scheduled);
  columns.add("first_ns", first);
  columns.add("output_tokens", tokens);
  expect_round_trip(columns);
  EXPECT_LT(encode_columns(columns).size(), 100'000u * 12);
}

TEST(Columns, EveryTruncationIsAnError) {
  const std::string bytes = encode_columns(any_columns(11));
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_columns(bytes.substr(0, size)));
}

TEST(Columns, EveryFlippedBitIsAnErrorOrTheSameData) {
  Columns columns;
  columns.add("at_ns", std::vector<int64_t>{5, 6, 1'000'000, -3});
  const std::string good = encode_columns(columns);
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bytes = good;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << (i % 8)));
    const Result<Columns> back = decode_columns(bytes);
    if (back) {
      EXPECT_EQ(*back->integers("at_ns"),
                columns.columns[0].integers);  // a bit of the frame's header without weight
    }
  }
}

TEST(Columns, SomethingBehindTheEndIsAnError) {
  const Result<Columns> back = decode_columns(encode_columns(any_columns(3)) + "x");
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().what.find("follows"), std::string::npos);
}

TEST(Columns, MoreValuesThanAllowedAreRefused) {
  Columns columns;
  columns.add("zeros", std::vector<int64_t>(1'000'000, 0));
  const std::string bytes = encode_columns(columns);
  EXPECT_LT(bytes.size(), 1000u);  // small on disk, large in memory
  EXPECT_TRUE(decode_columns(bytes, 1'000'000));
  const Result<Columns> back = decode_columns(bytes, 999'999);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().what.find("more values than allowed"), std::string::npos);
}

TEST(Columns, AnUnknownVersionSaysWhatToDo) {
  std::string bytes = encode_columns(Columns());
  bytes[0] = 2;
  const Result<Columns> back = decode_columns(bytes);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().what.find("encoding version 2"), std::string::npos);
  EXPECT_FALSE(back.error().remedy.empty());
}

TEST(Columns, GarbageIsAnErrorAndNothingElse) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed, random_stream("garbage"), 0);
    std::string bytes(random.below(300), '\1');
    for (size_t i = 1; i < bytes.size(); ++i) bytes[i] = static_cast<char>(random.next());
    EXPECT_FALSE(decode_columns(bytes, 1000));
  }
}

}  // namespace assay::columns_test
