// Resolution of model names and the cache of synthetic models; see models.h.
#include "catalogue/models.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr std::string_view kBundledName = "smollm2-135m";
constexpr std::string_view kBundledFile = "SmolLM2-135M-Instruct.Q4_1.gguf";
constexpr std::string_view kSyntheticPrefix = "synthetic:";
constexpr uint64_t kSyntheticSeed = 1;

struct SyntheticSpec {
  const ModelShape* shape;
  const SyntheticType* type;
  std::string name() const { return fmt::format("{}{}:{}", kSyntheticPrefix, shape->name, type->name); }
};

Result<SyntheticSpec> parse_synthetic(std::string_view spec) {
  const std::vector<std::string_view> parts = split(spec, ':');
  if (parts.size() != 3) {
    return fail(fmt::format("'{}' is not synthetic:SHAPE:TYPE", printable(spec, 80)), "",
                "Write, for example, synthetic:qwen3-0.6b:q4_k; `assay list shapes` shows the shapes.");
  }
  SyntheticSpec synthetic{};
  ASSIGN_OR_RETURN(synthetic.shape, find_model_shape(parts[1]));
  ASSIGN_OR_RETURN(synthetic.type, find_synthetic_type(parts[2]));
  return synthetic;
}

// Everything that decides the bytes: another version of the writer or the table takes another name.
std::string cache_file_name(const SyntheticSpec& spec) {
  const ModelShape& s = *spec.shape;
  const std::string content = fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", kSyntheticWriterVersion,
      kSyntheticSeed, s.name, s.title, s.architecture, s.layers, s.embedding, s.heads, s.kv_heads,
      s.head_size, s.feed_forward, s.experts, s.experts_used, s.vocabulary, s.context_tokens, s.rope_base,
      s.rope_scaling_factor, s.norm_epsilon, s.tied_embeddings, s.qkv_bias, s.qk_norm);
  return fmt::format("synthetic-{}-{}-{}.gguf", s.name, spec.type->name, content_key(content).substr(0, 12));
}

struct CachedFile {
  std::string path;
  int64_t bytes = 0;
  int64_t used_at_ns = 0;
};

std::vector<CachedFile> cached_files(const std::string& directory) {
  std::vector<CachedFile> files;
  const auto names = list_directory(directory);
  if (!names) return files;
  for (const std::string& name : *names) {
    if (!name.starts_with("synthetic-") || !name.ends_with(".gguf")) continue;
    const std::string path = directory + "/" + name;
    files.push_back({path, file_size(path).value_or(0), modified_at_ns(path)});
  }
  std::ranges::sort(files, {}, &CachedFile::used_at_ns);
  return files;
}

// Evicts the least recently used files that nobody has open until `needed` more bytes fit under the limit.
Result<void> make_room(const ModelPlaces& places, int64_t needed) {
  if (places.cache_limit_bytes <= 0) return {};
  std::vector<CachedFile> files = cached_files(places.cache_directory);
  int64_t total = needed;
  for (const CachedFile& file : files) total += file.bytes;
  for (const CachedFile& file : files) {
    if (total <= places.cache_limit_bytes) break;
    if (!remove_unless_used(file.path)) continue;
    total -= file.bytes;
  }
  if (total <= places.cache_limit_bytes) return {};
  return fail(
      fmt::format("the synthetic model needs {}, but the cache of models may hold {}", format_bytes(needed),
                  format_bytes(places.cache_limit_bytes)),
      places.cache_directory,
      "Raise the limit, in GB, with ASSAY_CACHE_LIMIT_GB, name a folder with room with ASSAY_CACHE_DIR, or take a smaller "
      "shape.");
}

std::string describe(const ResolvedModel& resolved) {
  const GgufModel& model = resolved.model;
  std::string text = fmt::format("{}, {} parameters, mostly {}, {}", model.name,
                                 format_number(static_cast<double>(model.parameters) / 1e6) + " million",
                                 model.type_name, format_bytes(resolved.bytes));
  if (resolved.is_synthetic) text += ", random weights";
  return text;
}

Result<ResolvedModel> describe_file(const std::string& path, std::string name, bool is_synthetic) {
  ResolvedModel resolved;
  ASSIGN_OR_RETURN(resolved.model, read_gguf_model(path));
  resolved.path = absolute_path(path);
  resolved.name = std::move(name);
  resolved.parameters = resolved.model.parameters;
  resolved.bytes = resolved.model.file_bytes;
  resolved.is_synthetic = is_synthetic;
  resolved.weight_bytes_per_token = resolved.model.weight_bytes_per_token;
  resolved.flop_per_token = resolved.model.flop_per_token;
  resolved.description = describe(resolved);
  return resolved;
}

// The model's file, whole and locked, written if it was not there. Another process may evict it between the
// writing and the lock: then it is written again.
Result<FileDescriptor> written_and_locked(const SyntheticSpec& spec, const ModelPlaces& places,
                                          const std::string& path, const WriteProgress& progress) {
  constexpr int kAttempts = 3;
  const int64_t bytes = synthetic_file_bytes(*spec.shape, *spec.type);
  for (int attempt = 1;; ++attempt) {
    if (file_size(path).value_or(-1) != bytes) {
      remove_file(path);
      RETURN_IF_ERROR(make_room(places, bytes));
      RETURN_IF_ERROR(write_synthetic_model(*spec.shape, *spec.type, kSyntheticSeed, path, progress));
    }
    Result<FileDescriptor> lock = lock_as_used(path);
    if (lock || attempt == kAttempts) return lock;
  }
}

Result<ResolvedModel> resolve_synthetic(const SyntheticSpec& spec, const ModelPlaces& places,
                                        const WriteProgress& progress) {
  if (const Result<void> made = make_directories(places.cache_directory); !made)
    return fail(made.error().what, made.error().where,
                "Name a folder with room for models with ASSAY_CACHE_DIR.");
  const std::string path = places.cache_directory + "/" + cache_file_name(spec);
  ASSIGN_OR_RETURN(FileDescriptor lock, written_and_locked(spec, places, path, progress));
  mark_as_used_now(path);
  ASSIGN_OR_RETURN(ResolvedModel resolved, describe_file(path, spec.name(), true));
  resolved.in_use = std::make_shared<FileDescriptor>(std::move(lock));
  return resolved;
}

Result<ResolvedModel> resolve_bundled(const ModelPlaces& places) {
  const std::string path = places.bundled_directory + "/" + std::string(kBundledFile);
  if (!file_exists(path)) {
    return fail("the bundled model is not there", path,
                "Run `make setup`, name the path of a GGUF, or take a synthetic model, for example "
                "synthetic:smollm2-135m:q4_1.");
  }
  return describe_file(path, std::string(kBundledName), false);
}

}  // namespace

bool is_model_file(std::string_view spec) {
  return spec.contains('/') || spec.ends_with(".gguf");
}

Result<void> check_model_spec(std::string_view spec) {
  if (spec == kBundledName || is_model_file(spec)) return {};
  if (spec.starts_with(kSyntheticPrefix)) {
    RETURN_IF_ERROR(parse_synthetic(spec));
    return {};
  }
  std::vector<std::string> known{std::string(kBundledName)};
  for (const ModelShape& shape : model_shapes())
    known.push_back(fmt::format("{}{}:q4_k", kSyntheticPrefix, shape.name));
  std::string hint = suggestion(spec, known);
  if (find_model_shape(spec)) hint = fmt::format(" Did you mean 'synthetic:{}:q4_k'?", spec);
  return fail(fmt::format("unknown model '{}'.{}", printable(spec, 80), hint), "",
              "Name smollm2-135m, synthetic:SHAPE:TYPE, or the path of a file that ends in .gguf.");
}

Result<ResolvedModel> resolve_model(std::string_view spec, const ModelPlaces& places,
                                    const WriteProgress& progress) {
  if (spec == kBundledName) return resolve_bundled(places);
  if (spec.starts_with(kSyntheticPrefix)) {
    ASSIGN_OR_RETURN(const SyntheticSpec synthetic, parse_synthetic(spec));
    return resolve_synthetic(synthetic, places, progress);
  }
  const std::string path(spec);
  if (!is_model_file(spec) && !file_exists(path)) {
    RETURN_IF_ERROR(check_model_spec(spec));
  }
  return describe_file(path, file_name(path), false);
}

}  // namespace assay
