// What a GGUF model is and costs, from its metadata and tensors; see gguf.h.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_set>

#include "catalogue/gguf.h"
#include "catalogue/tensor_types.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr int64_t kMaxParts = 999;

// One file of a model, mapped, with its header.
struct Part {
  MappedFile map;
  GgufFile file;
};

Result<Part> open_part(const std::string& path) {
  ASSIGN_OR_RETURN(MappedFile map, MappedFile::open(path));
  ASSIGN_OR_RETURN(GgufFile file, parse_gguf(map.bytes(), path));
  return Part{std::move(map), std::move(file)};
}

// The paths of all parts of a split model, whose first is `path`.
Result<std::vector<std::string>> part_paths(const GgufFile& first, const std::string& path) {
  const int64_t count = first.integer("split.count", 0);
  if (count <= 1) return std::vector{path};
  const std::string ending = fmt::format("-00001-of-{:05}.gguf", count);
  if (count > kMaxParts || !path.ends_with(ending)) {
    return fail(
        fmt::format("one of {} parts of a model, but its name does not end in -00001-of-NNNNN.gguf", count),
        path, "Name the first part, under its original name.");
  }
  std::vector<std::string> paths;
  for (int64_t i = 1; i <= count; ++i) {
    paths.push_back(
        fmt::format("{}-{:05}-of-{:05}.gguf", path.substr(0, path.size() - ending.size()), i, count));
  }
  return paths;
}

// A header with the bytes it was read from.
struct View {
  std::span<const std::byte> bytes;
  const GgufFile& file;
};

// An integer of the metadata; of an array (one value a layer), the largest.
int64_t largest_integer(const View& part, const std::string& key) {
  const GgufEntry* entry = part.file.find(key);
  if (entry == nullptr) return 0;
  if (const int64_t* value = std::get_if<int64_t>(&entry->value)) return *value;
  const GgufArray* array = std::get_if<GgufArray>(&entry->value);
  if (array == nullptr || (array->element_type != 4 && array->element_type != 5)) return 0;
  int64_t largest = 0;
  for (uint64_t i = 0; i < array->count; ++i) {
    int32_t value = 0;
    std::memcpy(&value, part.bytes.data() + array->offset + i * sizeof value, sizeof value);
    largest = std::max<int64_t>(largest, value);
  }
  return largest;
}

Result<void> read_tokenizer(const View& part, const std::string& path, GgufModel& model) {
  const std::string kind = part.file.text("tokenizer.ggml.model");
  const GgufEntry* entry = part.file.find("tokenizer.ggml.tokens");
  const GgufArray* tokens = entry == nullptr ? nullptr : std::get_if<GgufArray>(&entry->value);
  model.has_tokenizer = !kind.empty() && kind != "no_vocab" && kind != "none" && tokens != nullptr &&
                        tokens->element_type == 8 && tokens->count > 0;
  if (!model.has_tokenizer) {
    return fail("the model has no tokenizer (tokenizer.ggml.model and .tokens)", path,
                "Convert it with its tokenizer; a model without one cannot be served.");
  }
  if (model.vocabulary == 0) model.vocabulary = static_cast<int64_t>(tokens->count);
  std::unordered_set<std::string_view> seen;
  uint64_t offset = tokens->offset;
  for (uint64_t i = 0; i < tokens->count; ++i) {
    uint64_t size = 0;
    std::memcpy(&size, part.bytes.data() + offset, sizeof size);
    const std::string_view token(reinterpret_cast<const char*>(part.bytes.data()) + offset + 8, size);
    if (!token.empty() && !seen.insert(token).second) {
      return fail(
          fmt::format("token '{}' occurs twice in the tokenizer (at byte {})", printable(token, 40), offset),
          path, "Convert the model anew; the engine would abort on it.");
    }
    offset += 8 + size;
  }
  return {};
}

Result<void> read_sizes(const View& part, const std::string& path, GgufModel& model) {
  const auto sized = [&](const char* key) {
    return largest_integer(part, fmt::format("{}.{}", model.architecture, key));
  };
  model.layers = sized("block_count");
  model.embedding = sized("embedding_length");
  model.heads = sized("attention.head_count");
  model.kv_heads = sized("attention.head_count_kv");
  model.head_size = sized("attention.key_length");
  model.feed_forward = sized("feed_forward_length");
  model.experts = sized("expert_count");
  model.experts_used = sized("expert_used_count");
  model.context_tokens = sized("context_length");
  model.vocabulary = sized("vocab_size");
  if (model.kv_heads == 0) model.kv_heads = model.heads;
  constexpr int64_t kMost = 1 << 24;
  for (const int64_t size : {model.layers, model.embedding, model.context_tokens}) {
    if (size >= 1 && size <= kMost * 64) continue;
    return fail(
        fmt::format("the metadata of architecture '{}' lacks block_count, embedding_length or context_length",
                    printable(model.architecture, 40)),
        path, "Convert the model anew; the engine cannot load it.");
  }
  for (const int64_t size : {model.layers, model.embedding, model.heads, model.kv_heads, model.head_size,
                             model.feed_forward, model.experts, model.experts_used, model.vocabulary}) {
    if (size >= 0 && size <= kMost) continue;
    return fail("a size in the metadata is absurd", path, "The file is damaged: fetch it again.");
  }
  if (model.heads > 0 && model.head_size == 0) model.head_size = model.embedding / model.heads;
  if (model.experts_used > model.experts) {
    return fail(fmt::format("{} experts are used of {}", model.experts_used, model.experts), path,
                "The file is damaged: fetch it again.");
  }
  return {};
}

bool is_lookup_only(const std::string& name, bool has_output) {
  return name == "token_embd.weight" && has_output;
}

void add_costs(std::span<const View> parts, GgufModel& model) {
  bool has_output = false;
  std::map<uint32_t, uint64_t> bytes_by_type;
  for (const View& part : parts) {
    model.file_bytes += static_cast<int64_t>(part.file.file_bytes);
    for (const GgufTensor& tensor : part.file.tensors) has_output |= tensor.name == "output.weight";
  }
  for (const View& part : parts) {
    for (const GgufTensor& tensor : part.file.tensors) {
      bytes_by_type[tensor.type] += tensor.bytes;
      model.parameters += static_cast<int64_t>(tensor.elements());
      model.weight_bytes += static_cast<int64_t>(tensor.bytes);
      if (is_lookup_only(tensor.name, has_output)) continue;
      const bool is_expert = tensor.name.find("_exps.") != std::string::npos && model.experts > 0;
      const double share =
          is_expert ? static_cast<double>(model.experts_used) / static_cast<double>(model.experts) : 1.0;
      model.weight_bytes_per_token += static_cast<int64_t>(static_cast<double>(tensor.bytes) * share);
      const bool is_matrix = tensor.shape[1] > 1;
      if (is_matrix) {
        model.flop_per_token += static_cast<int64_t>(2.0 * static_cast<double>(tensor.elements()) * share);
      }
    }
  }
  const auto most = std::ranges::max_element(bytes_by_type, {}, [](const auto& pair) { return pair.second; });
  if (most != bytes_by_type.end()) model.type_name = tensor_type(most->first)->name;
}

// The metadata is that of the first part.
Result<GgufModel> describe_parts(std::span<const View> parts, const std::string& path) {
  GgufModel model;
  const GgufFile& file = parts.front().file;
  model.architecture = file.text("general.architecture");
  if (model.architecture.empty()) {
    return fail("the metadata names no architecture (general.architecture)", path,
                "Name a GGUF of a language model.");
  }
  model.name = printable(file.text("general.name"), 80);
  if (model.name.empty()) model.name = printable(file_name(path), 80);
  RETURN_IF_ERROR(read_sizes(parts.front(), path, model));
  RETURN_IF_ERROR(read_tokenizer(parts.front(), path, model));
  add_costs(parts, model);
  if (model.parameters == 0)
    return fail("the file holds no tensors", path, "Name the file with the model's weights.");
  return model;
}

}  // namespace

Result<GgufModel> describe_gguf(std::span<const std::byte> bytes, const GgufFile& file,
                                const std::string& where) {
  const View view{bytes, file};
  return describe_parts(std::span(&view, 1), where);
}

Result<GgufModel> read_gguf_model(const std::string& path) {
  std::vector<Part> parts;
  ASSIGN_OR_RETURN(Part first, open_part(path));
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, part_paths(first.file, path));
  parts.push_back(std::move(first));
  for (size_t i = 1; i < paths.size(); ++i) {
    ASSIGN_OR_RETURN(Part part, open_part(paths[i]));
    parts.push_back(std::move(part));
  }
  std::vector<View> views;
  for (const Part& part : parts) views.push_back({part.map.bytes(), part.file});
  return describe_parts(views, path);
}

}  // namespace assay
