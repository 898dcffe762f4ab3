// Stories about reading GGUF files: the corpus of well- and ill-formed ones, and real headers cut short or
// corrupted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "catalogue/catalogue.h"

namespace assay::gguf_test {

using ::testing::HasSubstr;

const std::string kCorpus = ASSAY_SOURCE_DIR "/fuzz/corpus/gguf/";

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string corpus_file(const std::string& name) {
  auto content = read_file(kCorpus + name + ".gguf", 1 << 20);
  EXPECT_TRUE(content.has_value()) << name;
  return content.value_or("");
}

TEST(Gguf, AWellFormedFileTellsItsTensorsAndSizes) {
  const std::string content = corpus_file("good");
  const auto file = parse_gguf(bytes_of(content), "good.gguf");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  EXPECT_EQ(file->version, 3u);
  ASSERT_EQ(file->tensors.size(), 2u);
  EXPECT_EQ(file->tensors[1].name, "blk.0.attn_q.weight");
  EXPECT_EQ(file->tensors[1].bytes, 68u);
  EXPECT_EQ(file->tensors[1].offset, file->tensors[0].offset + 384);
  const auto model = describe_gguf(bytes_of(content), *file, "good.gguf");
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_EQ(model->architecture, "llama");
  EXPECT_EQ(model->parameters, 32 * 3 + 32 * 2);
  EXPECT_EQ(model->heads, 4) << "the largest of the array";
  EXPECT_EQ(model->vocabulary, 3);
  EXPECT_TRUE(model->has_tokenizer);
}

struct Wrong {
  const char* file;
  const char* message;
};

class WrongFile : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongFile, IsRefusedWithTheReasonAndAPlace) {
  const auto model = read_gguf_model(kCorpus + GetParam().file + ".gguf");
  ASSERT_FALSE(model.has_value());
  EXPECT_THAT(model.error().what, HasSubstr(GetParam().message));
  EXPECT_THAT(model.error().where, HasSubstr(GetParam().file));
  EXPECT_FALSE(model.error().remedy.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Corpus, WrongFile,
    ::testing::Values(
        Wrong{"empty", "ends inside the magic number (at byte 0)"}, Wrong{"other_magic", "not a GGUF file"},
        Wrong{"version_1", "GGUF version 1"}, Wrong{"big_endian", "big-endian"},
        Wrong{"cut_in_metadata", "the file ends inside"}, Wrong{"cut_in_data", "of a file of"},
        Wrong{"huge_counts", "claims 9223372036854775808 tensors"},
        Wrong{"long_string", "claims 9223372036854775808 bytes"},
        Wrong{"long_array", "more than the file holds"}, Wrong{"nested_array", "unsupported type 9"},
        Wrong{"unknown_kind", "unknown type 99"}, Wrong{"duplicate_key", "'general.name' occurs twice"},
        Wrong{"alignment_3", "not a power of two"},
        Wrong{"duplicate_tensor", "'token_embd.weight' occurs twice"},
        Wrong{"five_dimensions", "5 dimensions"}, Wrong{"zero_dimension", "impossible shape"},
        Wrong{"overflowing_shape", "impossible shape"}, Wrong{"unknown_type", "unknown type 4"},
        Wrong{"ragged_row", "rows of 33 values"},
        Wrong{"offset_gap", "lies at 416 in the data, expected 384"}, Wrong{"offset_overlap", "expected 384"},
        Wrong{"offset_far", "expected 0"}, Wrong{"long_tensor_name", "claims 64 bytes"},
        Wrong{"no_architecture", "names no architecture"}, Wrong{"no_tokenizer", "no tokenizer"},
        Wrong{"duplicate_token", "'a' occurs twice"}, Wrong{"split_99999", "one of 99999 parts"}),
    [](const auto& info) { return std::string(info.param.file); });

TEST(Gguf, AHeaderCutAnywhereIsAnErrorAndNeverAModel) {
  const std::string content = corpus_file("every_kind");
  ASSERT_TRUE(parse_gguf(bytes_of(content), "whole").has_value());
  for (size_t size = 0; size < content.size() - 28; ++size) {
    EXPECT_FALSE(parse_gguf(bytes_of(content).first(size), "cut").has_value()) << size;
  }
}

TEST(Gguf, AnyByteMayBeWrongWithoutHarm) {
  const std::string content = corpus_file("good");
  size_t refused = 0;
  for (size_t at = 0; at < content.size(); ++at) {
    for (const unsigned char byte : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string changed = content;
      changed[at] = static_cast<char>(byte);
      const auto file = parse_gguf(bytes_of(changed), "changed");
      refused += !file.has_value();
      if (file) (void)describe_gguf(bytes_of(changed), *file, "changed");
    }
  }
  EXPECT_GT(refused, content.size());
}

TEST(Gguf, AMissingFileSaysSo) {
  const auto model = read_gguf_model(kCorpus + "there-is-none.gguf");
  ASSERT_FALSE(model.has_value());
  EXPECT_THAT(model.error().what, HasSubstr("No such file"));
}

}  // namespace assay::gguf_test
