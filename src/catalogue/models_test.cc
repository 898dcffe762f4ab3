// Stories about models by name: synthetic files are what they claim, are cached, and make room for each
// other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "catalogue/catalogue.h"
#include "catalogue/random_blocks.h"
#include "catalogue/tensor_types.h"

namespace assay::models_test {

using ::testing::HasSubstr;

class Models : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "models-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    places_ = {folder_ + "/bundled", folder_ + "/cache", 0};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::vector<std::string> cached() { return list_directory(places_.cache_directory).value(); }

  std::string folder_;
  ModelPlaces places_;
};

TEST(Shapes, ParameterCountsAreThoseOfTheirMakers) {
  const auto millions = [](const char* name) {
    return std::lround(static_cast<double>((*find_model_shape(name))->parameters()) / 1e6);
  };
  EXPECT_EQ(millions("smollm2-135m"), 135);
  EXPECT_EQ(millions("smollm2-1.7b"), 1711);
  EXPECT_EQ(millions("qwen2.5-0.5b"), 494);
  EXPECT_EQ(millions("qwen2.5-7b"), 7616);
  EXPECT_EQ(millions("qwen3-0.6b"), 596);
  EXPECT_EQ(millions("qwen3-8b"), 8191);
  EXPECT_EQ(millions("qwen3-32b"), 32762);
  EXPECT_EQ(millions("qwen3-30b-a3b"), 30532);
  EXPECT_EQ(millions("llama-3.2-1b"), 1236);
  EXPECT_EQ(millions("llama-3.1-8b"), 8030);
  EXPECT_EQ(millions("llama-3.1-70b"), 70554);
  EXPECT_EQ(millions("mistral-7b"), 7248);
  EXPECT_EQ(millions("mixtral-8x7b"), 46703);
  EXPECT_GE(model_shapes().size(), 10u);
}

TEST(Shapes, AnUnknownNameGetsTheNearest) {
  EXPECT_THAT(find_model_shape("llama-3.1-8").error().what, HasSubstr("Did you mean 'llama-3.1-8b'?"));
  EXPECT_THAT(find_synthetic_type("q4k").error().what, HasSubstr("q4_k"));
}

TEST(Halves, AreRoundedAsTheHardwareDoes) {
  EXPECT_EQ(half_from_float(1.0f), 0x3c00);
  EXPECT_EQ(half_from_float(-2.0f), 0xc000);
  EXPECT_EQ(half_from_float(65504.0f), 0x7bff);
  EXPECT_EQ(half_from_float(1e6f), 0x7c00);
  EXPECT_EQ(half_from_float(5.9604645e-8f), 0x0001);
  EXPECT_EQ(half_from_float(6.0975552e-5f), 0x03ff);
  EXPECT_EQ(half_from_float(1.0f + 1.0f / 2048), 0x3c00) << "a tie goes to even";
  EXPECT_EQ(half_from_float(1.0f + 3.0f / 2048), 0x3c02);
}

TEST_F(Models, EveryTypeOfTheTinyShapeIsAFileOfExactlyThePredictedSize) {
  for (const SyntheticType& type : synthetic_types()) {
    const std::string spec = fmt::format("synthetic:tiny:{}", type.name);
    const auto model = resolve_model(spec, places_, nullptr);
    ASSERT_TRUE(model.has_value()) << spec << ": " << model.error().message();
    EXPECT_EQ(model->bytes, synthetic_file_bytes(**find_model_shape("tiny"), type));
    EXPECT_EQ(model->parameters, (*find_model_shape("tiny"))->parameters());
    EXPECT_EQ(model->name, spec);
    EXPECT_TRUE(model->is_synthetic);
    EXPECT_EQ(lower(model->model.type_name), type.name);
  }
}

TEST_F(Models, TheSameModelIsWrittenOnceAndHasTheSameBytesAgain) {
  int writes = 0;
  const auto count = [&](double fraction) { writes += fraction >= 1; };
  const auto first = resolve_model("synthetic:tiny:q4_k", places_, count);
  ASSERT_TRUE(first.has_value()) << first.error().message();
  const std::string content = *read_file(first->path, 1 << 30);
  ASSERT_TRUE(resolve_model("synthetic:tiny:Q4_K", places_, count).has_value());
  EXPECT_EQ(writes, 1);
  remove_file(first->path);
  ASSERT_TRUE(resolve_model("synthetic:tiny:q4_k", places_, count).has_value());
  EXPECT_EQ(writes, 2);
  EXPECT_TRUE(content == *read_file(first->path, 1 << 30));
}

TEST_F(Models, ATruncatedCacheFileIsWrittenAgain) {
  const auto model = resolve_model("synthetic:tiny:q8_0", places_, nullptr);
  ASSERT_TRUE(model.has_value());
  ASSERT_TRUE(write_file_atomically(model->path, "GGUF").has_value());
  const auto again = resolve_model("synthetic:tiny:q8_0", places_, nullptr);
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(again->bytes, model->bytes);
}

TEST_F(Models, MixturesOfExpertsReadOnlyTheExpertsInUse) {
  const auto model = resolve_model("synthetic:tiny-moe:f16", places_, nullptr);
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_LT(model->weight_bytes_per_token, model->model.weight_bytes / 2);
  const int64_t expert_weights = int64_t{2} * 8 * 3 * 256 * 256;  // layers, experts, matrices, sizes
  EXPECT_EQ(model->flop_per_token,
            2 * (expert_weights / 4 + 1024 * 256 + 2 * (2 * 256 * 256 + 2 * 256 * 128 + 256 * 8)));
}

TEST_F(Models, TheLeastRecentlyUsedMakesRoomButNeverOneInUse) {
  const auto bytes_of = [](std::string_view type) {
    return synthetic_file_bytes(**find_model_shape("tiny"), **find_synthetic_type(type));
  };
  const int64_t f32 = bytes_of("f32"), f16 = bytes_of("f16");
  places_.cache_limit_bytes = f32 + f16;
  {
    const auto kept = resolve_model("synthetic:tiny:f32", places_, nullptr);
    ASSERT_TRUE(kept.has_value());
    ASSERT_TRUE(resolve_model("synthetic:tiny:f16", places_, nullptr).has_value());
    ASSERT_TRUE(resolve_model("synthetic:tiny:bf16", places_, nullptr).has_value());
    EXPECT_TRUE(file_exists(kept->path)) << "older, but in use";
    EXPECT_EQ(cached().size(), 2u);
  }
  const auto too_large = resolve_model("synthetic:smollm2-135m:q4_0", places_, nullptr);
  ASSERT_FALSE(too_large.has_value());
  EXPECT_THAT(too_large.error().what, HasSubstr("the cache of models may hold"));
}

TEST_F(Models, AnImpossibleSizeIsRefusedBeforeAnythingIsWritten) {
  const auto huge = resolve_model("synthetic:llama-3.1-70b:f32", places_, nullptr);
  const auto room = free_disk_space_bytes(places_.cache_directory);
  if (room.value_or(0) > int64_t{300} << 30) GTEST_SKIP() << "this disk could hold it";
  ASSERT_FALSE(huge.has_value());
  EXPECT_THAT(huge.error().what, HasSubstr("but the disk has"));
  EXPECT_TRUE(cached().empty());
}

TEST_F(Models, NamesAreCheckedWithoutTheDisk) {
  EXPECT_TRUE(check_model_spec("smollm2-135m").has_value());
  EXPECT_TRUE(check_model_spec("models/x.gguf").has_value());
  EXPECT_TRUE(check_model_spec("synthetic:qwen3-0.6b:f16").has_value());
  EXPECT_THAT(check_model_spec("smollm2-135").error().what, HasSubstr("Did you mean 'smollm2-135m'?"));
  EXPECT_THAT(check_model_spec("qwen3-8b").error().what,
              HasSubstr("Did you mean 'synthetic:qwen3-8b:q4_k'?"));
  EXPECT_THAT(check_model_spec("synthetic:qwen3-8b").error().what, HasSubstr("not synthetic:SHAPE:TYPE"));
  EXPECT_THAT(resolve_model("smollm2-135m", places_, nullptr).error().remedy, HasSubstr("make setup"));
}

}  // namespace assay::models_test
