// The writer of synthetic models: tensors of a shape, the GGUF header with its byte tokenizer, and the data,
// cut from a pool of random blocks that each pass enters at another place. See synthetic.h.
#include "catalogue/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numbers>

#include "catalogue/random_blocks.h"
#include "catalogue/tensor_types.h"
#include "os/os.h"

namespace assay {
namespace {

using Fill = SyntheticTensor::Fill;

constexpr uint32_t kF32 = 0, kQ8_0 = 8, kQ6_K = 14;
constexpr uint64_t kAlignment = 32;
constexpr size_t kPoolBytes = 4 << 20;
constexpr int64_t kSpareDiskBytes = 256 << 20;

constexpr SyntheticType kTypes[] = {
    {"f32", 0, 0, 0, "all matrices f32"},
    {"f16", 1, 1, 1, "all matrices f16"},
    {"bf16", 30, 30, 32, "all matrices bf16"},
    {"q8_0", 8, 8, 7, "all matrices q8_0"},
    {"q6_k", 14, 14, 18, "all matrices q6_K"},
    {"q5_0", 6, 14, 8, "matrices q5_0, output q6_K"},
    {"q5_1", 7, 14, 9, "matrices q5_1, output q6_K"},
    {"q5_k", 13, 14, 16, "matrices q5_K, output q6_K (as Q5_K_S)"},
    {"q4_0", 2, 14, 2, "matrices q4_0, output q6_K"},
    {"q4_1", 3, 14, 3, "matrices q4_1, output q6_K"},
    {"q4_k", 12, 14, 14, "matrices q4_K, output q6_K (as Q4_K_S)"},
    {"iq4_nl", 20, 14, 25, "matrices iq4_nl, output q6_K"},
    {"q3_k", 11, 14, 11, "matrices q3_K, output q6_K (as Q3_K_S)"},
    {"q2_k", 10, 14, 21, "matrices q2_K, output q6_K (as Q2_K_S)"},
};

// What stands in where rows are no whole number of blocks of 256 (llama.cpp's tensor_type_fallback).
uint32_t small_block_type(uint32_t type) {
  switch (type) {
    case 10:
    case 11:
      return 20;  // q2_K, q3_K → iq4_nl
    case 12:
      return 6;  // q4_K → q5_0
    case 13:
      return 7;  // q5_K → q5_1
    case kQ6_K:
      return kQ8_0;
    default:
      return 1;  // f16: rows of any length
  }
}

uint32_t stored_type(const SyntheticTensor& tensor, const SyntheticType& type) {
  if (tensor.fill != Fill::kMatrix && tensor.fill != Fill::kOutput) return kF32;
  uint32_t stored = tensor.fill == Fill::kOutput ? type.output : type.weights;
  while (tensor.shape[0] % tensor_type(stored)->block_values != 0) stored = small_block_type(stored);
  return stored;
}

uint64_t stored_bytes(const SyntheticTensor& tensor, uint32_t type) {
  const TensorType& layout = *tensor_type(type);
  return static_cast<uint64_t>(tensor.elements()) / layout.block_values * layout.block_bytes;
}

uint64_t padded(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// ---- the header ----
// Builds metadata entries; the numbers are those of enum gguf_type.
class HeaderWriter {
 public:
  template <class T>
  void number(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number<uint64_t>(value.size());
    out_.append(value);
  }
  void entry_text(std::string_view key, std::string_view value) {
    begin(key, 8);
    text(value);
  }
  void entry_u32(std::string_view key, uint32_t value) {
    begin(key, 4);
    number(value);
  }
  void entry_f32(std::string_view key, double value) {
    begin(key, 6);
    number(static_cast<float>(value));
  }
  void entry_bool(std::string_view key, bool value) {
    begin(key, 7);
    number(static_cast<uint8_t>(value));
  }
  void begin_array(std::string_view key, uint32_t element_type, uint64_t count) {
    begin(key, 9);
    number(element_type);
    number(count);
  }
  std::string& out() { return out_; }
  uint64_t entries() const { return entries_; }

 private:
  void begin(std::string_view key, uint32_t type) {
    ++entries_;
    text(key);
    number(type);
  }
  std::string out_;
  uint64_t entries_ = 0;
};

void write_architecture(const ModelShape& shape, const SyntheticType& type, HeaderWriter& header) {
  header.entry_text("general.architecture", shape.architecture);
  header.entry_text("general.type", "model");
  header.entry_text("general.name", fmt::format("synthetic {} {}", shape.name, type.name));
  header.entry_text("general.description",
                    fmt::format("random weights in the shape of {}: {}", shape.title, type.description));
  header.entry_u32("general.file_type", type.file_type);
  header.entry_u32("general.quantization_version", 2);
  const auto key = [&](const char* name) { return fmt::format("{}.{}", shape.architecture, name); };
  header.entry_u32(key("vocab_size"), shape.vocabulary);
  header.entry_u32(key("context_length"), shape.context_tokens);
  header.entry_u32(key("embedding_length"), shape.embedding);
  header.entry_u32(key("block_count"), shape.layers);
  header.entry_u32(key("feed_forward_length"), shape.feed_forward);
  header.entry_u32(key("attention.head_count"), shape.heads);
  header.entry_u32(key("attention.head_count_kv"), shape.kv_heads);
  header.entry_u32(key("attention.key_length"), shape.head_size);
  header.entry_u32(key("attention.value_length"), shape.head_size);
  header.entry_u32(key("rope.dimension_count"), shape.head_size);
  header.entry_f32(key("rope.freq_base"), shape.rope_base);
  header.entry_f32(key("attention.layer_norm_rms_epsilon"), shape.norm_epsilon);
  if (shape.experts == 0) return;
  header.entry_u32(key("expert_count"), shape.experts);
  header.entry_u32(key("expert_used_count"), shape.experts_used);
  header.entry_u32(key("expert_feed_forward_length"), shape.feed_forward);
}

// A SentencePiece vocabulary of three special tokens and one token a byte. The rest are unused tokens whose
// text no merge can reach, since none of their parts is a token.
void write_tokenizer(const ModelShape& shape, HeaderWriter& header) {
  constexpr int32_t kNormalUnknown = 2, kControl = 3, kUnused = 5, kByte = 6;  // enum llama_token_type
  const auto vocabulary = uint64_t{shape.vocabulary};
  const auto kind_of = [&](uint64_t i) {
    if (i == 0) return kNormalUnknown;
    if (i < 3) return kControl;
    return i < 259 ? kByte : kUnused;
  };
  header.entry_text("tokenizer.ggml.model", "llama");
  header.begin_array("tokenizer.ggml.tokens", 8, vocabulary);
  for (uint64_t i = 0; i < vocabulary; ++i) {
    constexpr const char* kSpecial[] = {"<unk>", "<s>", "</s>"};
    if (i < 3) header.text(kSpecial[i]);
    if (i >= 3 && i < 259) header.text(fmt::format("<0x{:02X}>", i - 3));
    if (i >= 259) header.text(fmt::format("<unused{}>", i));
  }
  header.begin_array("tokenizer.ggml.scores", 6, vocabulary);
  for (uint64_t i = 0; i < vocabulary; ++i) header.number(0.0f);
  header.begin_array("tokenizer.ggml.token_type", 5, vocabulary);
  for (uint64_t i = 0; i < vocabulary; ++i) header.number(kind_of(i));
  header.entry_u32("tokenizer.ggml.unknown_token_id", 0);
  header.entry_u32("tokenizer.ggml.bos_token_id", 1);
  header.entry_u32("tokenizer.ggml.eos_token_id", 2);
  header.entry_bool("tokenizer.ggml.add_bos_token", true);
  header.entry_bool("tokenizer.ggml.add_eos_token", false);
  header.entry_bool("tokenizer.ggml.add_space_prefix", false);
}

std::string header_of(const ModelShape& shape, const SyntheticType& type,
                      const std::vector<SyntheticTensor>& tensors) {
  HeaderWriter body;
  write_architecture(shape, type, body);
  write_tokenizer(shape, body);
  HeaderWriter header;
  header.out().append("GGUF");
  header.number(uint32_t{3});
  header.number(uint64_t{tensors.size()});
  header.number(body.entries());
  header.out().append(body.out());
  uint64_t offset = 0;
  for (const SyntheticTensor& tensor : tensors) {
    uint32_t dimensions = 4;
    while (dimensions > 1 && tensor.shape[dimensions - 1] == 1) --dimensions;
    const uint32_t stored = stored_type(tensor, type);
    header.text(tensor.name);
    header.number(dimensions);
    for (uint32_t i = 0; i < dimensions; ++i) header.number(tensor.shape[i]);
    header.number(stored);
    header.number(offset);
    offset += padded(stored_bytes(tensor, stored));
  }
  header.out().resize(padded(header.out().size()), '\0');
  return std::move(header.out());
}

// ---- the data ----
// Llama 3's frequency scaling (rope_scaling of its configuration: low factor 1, high factor 4, original
// context 8192).
std::vector<float> rope_factors(const ModelShape& shape) {
  constexpr double kOriginalContext = 8192, kLow = 1, kHigh = 4;
  std::vector<float> factors;
  for (uint32_t i = 0; i < shape.head_size / 2; ++i) {
    const double frequency = std::pow(shape.rope_base, -2.0 * i / shape.head_size);
    const double turns = kOriginalContext * frequency / (2 * std::numbers::pi);
    const double smooth = std::clamp((turns - kLow) / (kHigh - kLow), 0.0, 1.0);
    factors.push_back(static_cast<float>(1 / ((1 - smooth) / shape.rope_scaling_factor + smooth)));
  }
  return factors;
}

std::vector<float> small_tensor(const SyntheticTensor& tensor, const ModelShape& shape) {
  if (tensor.fill == Fill::kRopeFactors) return rope_factors(shape);
  return std::vector<float>(static_cast<size_t>(tensor.elements()), tensor.fill == Fill::kOnes ? 1.0f : 0.0f);
}

// Writes tensor after tensor. Pools of random blocks are made once for each type and row length.
class DataWriter {
 public:
  DataWriter(const ModelShape& shape, const SyntheticType& type, uint64_t seed, FileWriter& file,
             uint64_t total, const WriteProgress& progress)
      : shape_(shape), type_(type), seed_(seed), file_(file), total_(total), progress_(progress) {}

  Result<void> write(const SyntheticTensor& tensor) {
    const uint32_t stored = stored_type(tensor, type_);
    const uint64_t bytes = stored_bytes(tensor, stored);
    const bool is_random =
        tensor.fill == Fill::kMatrix || tensor.fill == Fill::kOutput || tensor.fill == Fill::kRouter;
    if (is_random) {
      RETURN_IF_ERROR(write_random(stored, tensor.shape[0], bytes));
    } else {
      const std::vector<float> values = small_tensor(tensor, shape_);
      RETURN_IF_ERROR(append(std::as_bytes(std::span(values))));
    }
    constexpr std::byte kZeros[kAlignment] = {};
    return append(std::span(kZeros, padded(bytes) - bytes));
  }

 private:
  // Rows behave like N(0, 1/k) in a matrix-vector product: a normed input gives outputs of variance 1.
  const std::vector<std::byte>& pool(uint32_t stored, uint64_t row) {
    auto& pool = pools_[{stored, row}];
    if (pool.empty()) {
      const size_t blocks = (kPoolBytes / tensor_type(stored)->block_bytes) | 1;
      pool = make_random_blocks(stored, blocks, 1 / std::sqrt(static_cast<double>(row)),
                                Random(seed_, random_stream("synthetic/pool"), (row << 8) | stored));
    }
    return pool;
  }

  Result<void> write_random(uint32_t stored, uint64_t row, uint64_t bytes) {
    const std::vector<std::byte>& blocks = pool(stored, row);
    const uint64_t block_bytes = tensor_type(stored)->block_bytes;
    while (bytes > 0) {
      Random random(seed_, random_stream("synthetic/pass"), passes_++);
      const uint64_t start = random.below(blocks.size() / block_bytes / 2) * block_bytes;
      const uint64_t size = std::min(bytes, blocks.size() - start);
      RETURN_IF_ERROR(append(std::span(blocks).subspan(start, size)));
      bytes -= size;
    }
    return {};
  }

  Result<void> append(std::span<const std::byte> bytes) {
    RETURN_IF_ERROR(file_.append(bytes));
    written_ += bytes.size();
    if (progress_ && written_ >= told_ + (total_ >> 7)) {
      told_ = written_;
      progress_(static_cast<double>(written_) / static_cast<double>(total_));
    }
    return {};
  }

  const ModelShape& shape_;
  const SyntheticType& type_;
  uint64_t seed_;
  FileWriter& file_;
  uint64_t total_;
  const WriteProgress& progress_;
  uint64_t written_ = 0, told_ = 0, passes_ = 0;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<std::byte>> pools_;
};

uint64_t data_bytes(const std::vector<SyntheticTensor>& tensors, const SyntheticType& type) {
  uint64_t sum = 0;
  for (const SyntheticTensor& tensor : tensors)
    sum += padded(stored_bytes(tensor, stored_type(tensor, type)));
  return sum;
}

void add_attention(const ModelShape& shape, const std::string& block, std::vector<SyntheticTensor>& tensors) {
  const uint64_t queries = uint64_t{shape.heads} * shape.head_size;
  const uint64_t keys = uint64_t{shape.kv_heads} * shape.head_size;
  const uint64_t embedding = shape.embedding;
  tensors.push_back({block + "attn_norm.weight", Fill::kOnes, {embedding, 1, 1, 1}});
  tensors.push_back({block + "attn_q.weight", Fill::kMatrix, {embedding, queries, 1, 1}});
  tensors.push_back({block + "attn_k.weight", Fill::kMatrix, {embedding, keys, 1, 1}});
  tensors.push_back({block + "attn_v.weight", Fill::kMatrix, {embedding, keys, 1, 1}});
  tensors.push_back({block + "attn_output.weight", Fill::kMatrix, {queries, embedding, 1, 1}});
  if (shape.qkv_bias) {
    tensors.push_back({block + "attn_q.bias", Fill::kZeros, {queries, 1, 1, 1}});
    tensors.push_back({block + "attn_k.bias", Fill::kZeros, {keys, 1, 1, 1}});
    tensors.push_back({block + "attn_v.bias", Fill::kZeros, {keys, 1, 1, 1}});
  }
  if (shape.qk_norm) {
    tensors.push_back({block + "attn_q_norm.weight", Fill::kOnes, {shape.head_size, 1, 1, 1}});
    tensors.push_back({block + "attn_k_norm.weight", Fill::kOnes, {shape.head_size, 1, 1, 1}});
  }
}

void add_feed_forward(const ModelShape& shape, const std::string& block,
                      std::vector<SyntheticTensor>& tensors) {
  const uint64_t embedding = shape.embedding, inner = shape.feed_forward;
  tensors.push_back({block + "ffn_norm.weight", Fill::kOnes, {embedding, 1, 1, 1}});
  if (shape.experts == 0) {
    tensors.push_back({block + "ffn_gate.weight", Fill::kMatrix, {embedding, inner, 1, 1}});
    tensors.push_back({block + "ffn_up.weight", Fill::kMatrix, {embedding, inner, 1, 1}});
    tensors.push_back({block + "ffn_down.weight", Fill::kMatrix, {inner, embedding, 1, 1}});
    return;
  }
  const uint64_t experts = shape.experts;
  tensors.push_back({block + "ffn_gate_inp.weight", Fill::kRouter, {embedding, experts, 1, 1}});
  tensors.push_back({block + "ffn_gate_exps.weight", Fill::kMatrix, {embedding, inner, experts, 1}});
  tensors.push_back({block + "ffn_up_exps.weight", Fill::kMatrix, {embedding, inner, experts, 1}});
  tensors.push_back({block + "ffn_down_exps.weight", Fill::kMatrix, {inner, embedding, experts, 1}});
}

}  // namespace

std::span<const SyntheticType> synthetic_types() {
  return kTypes;
}

Result<const SyntheticType*> find_synthetic_type(std::string_view name) {
  std::vector<std::string> known;
  for (const SyntheticType& type : kTypes) {
    if (lower(name) == type.name) return &type;
    known.emplace_back(type.name);
  }
  return fail(
      fmt::format("unknown type '{}' of a synthetic model.{}", printable(name, 60), suggestion(name, known)),
      "", fmt::format("Known are {}.", join(known, ", ")));
}

std::vector<SyntheticTensor> synthetic_tensors(const ModelShape& shape) {
  std::vector<SyntheticTensor> tensors;
  const uint64_t embedding = shape.embedding, vocabulary = shape.vocabulary;
  const Fill embedding_fill = shape.tied_embeddings ? Fill::kOutput : Fill::kMatrix;
  tensors.push_back({"token_embd.weight", embedding_fill, {embedding, vocabulary, 1, 1}});
  if (shape.rope_scaling_factor > 0) {
    tensors.push_back({"rope_freqs.weight", Fill::kRopeFactors, {shape.head_size / 2, 1, 1, 1}});
  }
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    const std::string block = fmt::format("blk.{}.", layer);
    add_attention(shape, block, tensors);
    add_feed_forward(shape, block, tensors);
  }
  tensors.push_back({"output_norm.weight", Fill::kOnes, {embedding, 1, 1, 1}});
  if (!shape.tied_embeddings)
    tensors.push_back({"output.weight", Fill::kOutput, {embedding, vocabulary, 1, 1}});
  return tensors;
}

int64_t synthetic_file_bytes(const ModelShape& shape, const SyntheticType& type) {
  const std::vector<SyntheticTensor> tensors = synthetic_tensors(shape);
  return static_cast<int64_t>(header_of(shape, type, tensors).size() + data_bytes(tensors, type));
}

Result<void> write_synthetic_model(const ModelShape& shape, const SyntheticType& type, uint64_t seed,
                                   const std::string& path, const WriteProgress& progress) {
  const std::vector<SyntheticTensor> tensors = synthetic_tensors(shape);
  const std::string header = header_of(shape, type, tensors);
  const uint64_t total = header.size() + data_bytes(tensors, type);
  ASSIGN_OR_RETURN(const int64_t room, free_disk_space_bytes(parent_directory(path)));
  if (room < static_cast<int64_t>(total) + kSpareDiskBytes) {
    return fail(fmt::format("the synthetic model needs {} and {} to spare, but the disk has {}",
                            format_bytes(static_cast<int64_t>(total)), format_bytes(kSpareDiskBytes),
                            format_bytes(room)),
                path, "Free some space, name another cache folder, or take a smaller shape.");
  }
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  RETURN_IF_ERROR(file.append(std::as_bytes(std::span(header))));
  DataWriter writer(shape, type, seed, file, total, progress);
  for (const SyntheticTensor& tensor : tensors) RETURN_IF_ERROR(writer.write(tensor));
  RETURN_IF_ERROR(file.commit());
  if (progress) progress(1);
  return {};
}

}  // namespace assay
