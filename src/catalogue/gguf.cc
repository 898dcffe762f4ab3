// The parser of GGUF headers; see gguf.h. Every read is bounded by the bytes that are there, every count by
// the bytes it would need, every product by an overflow check.
#include "catalogue/gguf.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "catalogue/tensor_types.h"

namespace assay {
namespace {

constexpr uint64_t kMaxEntries = 65'536;
constexpr uint64_t kMaxTensors = 262'144;
constexpr uint64_t kMaxKeyBytes = 65'535;  // the specification's own limit
constexpr uint64_t kMaxTextBytes = 16 << 20;
constexpr uint64_t kMaxTensorNameBytes = 63;  // GGML_MAX_NAME − 1
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr uint32_t kString = 8, kArray = 9;
constexpr const char* kGetAgain =
    "The file is damaged or not a model: fetch it again and compare its checksum.";
constexpr const char* kTruncated = "The file seems cut short: fetch it again and compare its size.";

// Bytes of a scalar by enum gguf_type; 0 where it is no scalar.
uint64_t scalar_bytes(uint32_t type) {
  constexpr uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < std::size(kBytes) ? kBytes[type] : 0;
}

std::optional<uint64_t> checked_product(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > uint64_t{INT64_MAX}) return std::nullopt;
  return product;
}

uint64_t round_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// A place in the bytes of the file. Reading past the end is an error that says where.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  uint64_t offset() const { return offset_; }
  uint64_t left() const { return bytes_.size() - offset_; }

  std::unexpected<Error> wrong(std::string what, uint64_t at, const char* remedy = kGetAgain) const {
    return fail(fmt::format("{} (at byte {})", what, at), where_, remedy);
  }

  template <class T>
  Result<T> number(std::string_view what) {
    if (left() < sizeof(T)) return wrong(fmt::format("the file ends inside {}", what), offset_, kTruncated);
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

  Result<std::string> text(std::string_view what, uint64_t max_bytes) {
    const uint64_t at = offset_;
    ASSIGN_OR_RETURN(const uint64_t size, number<uint64_t>(what));
    if (size > max_bytes) {
      return wrong(fmt::format("{} claims {} bytes; at most {} are taken", what, size, max_bytes), at);
    }
    if (size > left()) return wrong(fmt::format("the file ends inside {}", what), at, kTruncated);
    std::string value(reinterpret_cast<const char*>(bytes_.data()) + offset_, size);
    offset_ += size;
    return value;
  }

  Result<void> skip(uint64_t size, std::string_view what) {
    if (size > left()) return wrong(fmt::format("the file ends inside {}", what), offset_, kTruncated);
    offset_ += size;
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
  uint64_t offset_ = 0;
};

using Value = decltype(GgufEntry::value);

Result<Value> read_scalar(Cursor& cursor, uint32_t type, const std::string& what) {
  switch (type) {
#define ASSAY_READ(id, stored, kept)                                   \
  case id: {                                                           \
    ASSIGN_OR_RETURN(const stored value, cursor.number<stored>(what)); \
    return Value(std::in_place_type<kept>, static_cast<kept>(value));  \
  }
    ASSAY_READ(0, uint8_t, int64_t)
    ASSAY_READ(1, int8_t, int64_t)
    ASSAY_READ(2, uint16_t, int64_t)
    ASSAY_READ(3, int16_t, int64_t)
    ASSAY_READ(4, uint32_t, int64_t)
    ASSAY_READ(5, int32_t, int64_t)
    ASSAY_READ(6, float, double)
    ASSAY_READ(7, uint8_t, bool)
    ASSAY_READ(11, int64_t, int64_t)
    ASSAY_READ(12, double, double)
#undef ASSAY_READ
    case 10: {
      const uint64_t at = cursor.offset();
      ASSIGN_OR_RETURN(const uint64_t value, cursor.number<uint64_t>(what));
      if (value > uint64_t{INT64_MAX}) return cursor.wrong(fmt::format("{} is absurdly large", what), at);
      return Value(static_cast<int64_t>(value));
    }
    default:
      return cursor.wrong(fmt::format("{} has the unknown type {}", what, type), cursor.offset());
  }
}

Result<GgufArray> read_array(Cursor& cursor, const std::string& what) {
  GgufArray array;
  const uint64_t at = cursor.offset();
  ASSIGN_OR_RETURN(array.element_type, cursor.number<uint32_t>(what));
  ASSIGN_OR_RETURN(array.count, cursor.number<uint64_t>(what));
  array.offset = cursor.offset();
  const uint64_t element_bytes = array.element_type == kString ? 8 : scalar_bytes(array.element_type);
  if (element_bytes == 0) {
    return cursor.wrong(fmt::format("{} is an array of the unsupported type {}", what, array.element_type),
                        at);
  }
  if (array.count > cursor.left() / element_bytes) {
    return cursor.wrong(fmt::format("{} claims {} elements, more than the file holds", what, array.count), at,
                        kTruncated);
  }
  if (array.element_type != kString) {
    RETURN_IF_ERROR(cursor.skip(array.count * element_bytes, what));
    return array;
  }
  for (uint64_t i = 0; i < array.count; ++i) {
    const uint64_t at_string = cursor.offset();
    ASSIGN_OR_RETURN(const uint64_t size, cursor.number<uint64_t>(what));
    if (size > kMaxTextBytes)
      return cursor.wrong(fmt::format("element {} of {} is too long", i, what), at_string);
    RETURN_IF_ERROR(cursor.skip(size, what));
  }
  return array;
}

Result<GgufEntry> read_entry(Cursor& cursor, uint64_t index) {
  GgufEntry entry;
  const uint64_t at = cursor.offset();
  ASSIGN_OR_RETURN(entry.key, cursor.text(fmt::format("metadata key {}", index), kMaxKeyBytes));
  if (entry.key.empty()) return cursor.wrong(fmt::format("metadata key {} is empty", index), at);
  const std::string what = fmt::format("the value of '{}'", printable(entry.key, 80));
  ASSIGN_OR_RETURN(const uint32_t type, cursor.number<uint32_t>(what));
  if (type == kString) {
    ASSIGN_OR_RETURN(entry.value, cursor.text(what, kMaxTextBytes));
  } else if (type == kArray) {
    ASSIGN_OR_RETURN(entry.value, read_array(cursor, what));
  } else {
    ASSIGN_OR_RETURN(entry.value, read_scalar(cursor, type, what));
  }
  return entry;
}

Result<void> read_shape(Cursor& cursor, GgufTensor& tensor, const std::string& what) {
  const uint64_t at = cursor.offset();
  ASSIGN_OR_RETURN(const uint32_t dimensions, cursor.number<uint32_t>(what));
  if (dimensions > 4)
    return cursor.wrong(fmt::format("{} has {} dimensions; at most 4 exist", what, dimensions), at);
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    ASSIGN_OR_RETURN(tensor.shape[i], cursor.number<uint64_t>(what));
    const auto product = checked_product(elements, tensor.shape[i]);
    if (tensor.shape[i] == 0 || !product)
      return cursor.wrong(fmt::format("{} has an impossible shape", what), at);
    elements = *product;
  }
  return {};
}

// `tensor.offset` is left as the file has it: from the start of the data.
Result<GgufTensor> read_tensor(Cursor& cursor, uint64_t index) {
  GgufTensor tensor;
  const uint64_t at = cursor.offset();
  ASSIGN_OR_RETURN(tensor.name,
                   cursor.text(fmt::format("the name of tensor {}", index), kMaxTensorNameBytes));
  const std::string what = fmt::format("tensor '{}'", printable(tensor.name, 80));
  RETURN_IF_ERROR(read_shape(cursor, tensor, what));
  ASSIGN_OR_RETURN(tensor.type, cursor.number<uint32_t>(what));
  ASSIGN_OR_RETURN(tensor.offset, cursor.number<uint64_t>(what));
  const TensorType* type = tensor_type(tensor.type);
  if (type == nullptr) {
    return cursor.wrong(fmt::format("{} has the unknown type {}", what, tensor.type), at,
                        "The file needs a newer version of this program, or it is damaged.");
  }
  if (tensor.shape[0] % type->block_values != 0) {
    return cursor.wrong(fmt::format("{} has rows of {} values, which {} cannot hold (blocks of {})", what,
                                    tensor.shape[0], type->name, type->block_values),
                        at);
  }
  const auto bytes = checked_product(tensor.elements() / type->block_values, type->block_bytes);
  if (!bytes) return cursor.wrong(fmt::format("{} is absurdly large", what), at);
  tensor.bytes = *bytes;
  return tensor;
}

Result<void> read_magic(Cursor& cursor, GgufFile& file) {
  ASSIGN_OR_RETURN(const uint32_t magic, cursor.number<uint32_t>("the magic number"));
  if (magic != 0x46554747)
    return cursor.wrong("not a GGUF file: it does not begin with 'GGUF'", 0, "Name a GGUF file.");
  ASSIGN_OR_RETURN(file.version, cursor.number<uint32_t>("the version"));
  if ((file.version & 0xffff) == 0 && file.version != 0) {
    return cursor.wrong("a big-endian GGUF file", 4,
                        "Convert the model on this machine, or fetch a little-endian file.");
  }
  if (file.version != 2 && file.version != 3) {
    return cursor.wrong(fmt::format("GGUF version {}; versions 2 and 3 are known", file.version), 4,
                        "Convert the model anew with a current llama.cpp.");
  }
  return {};
}

Result<void> read_metadata(Cursor& cursor, uint64_t count, GgufFile& file) {
  std::unordered_set<std::string> keys;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = cursor.offset();
    ASSIGN_OR_RETURN(GgufEntry entry, read_entry(cursor, i));
    if (!keys.insert(entry.key).second) {
      return cursor.wrong(fmt::format("the metadata key '{}' occurs twice", printable(entry.key, 80)), at);
    }
    file.metadata.push_back(std::move(entry));
  }
  if (const GgufEntry* entry = file.find("general.alignment"); entry != nullptr) {
    const int64_t* alignment = std::get_if<int64_t>(&entry->value);
    if (alignment == nullptr || *alignment < 1 || static_cast<uint64_t>(*alignment) > kMaxAlignment ||
        !std::has_single_bit(static_cast<uint64_t>(*alignment))) {
      return cursor.wrong("general.alignment is not a power of two", cursor.offset());
    }
    file.alignment = static_cast<uint64_t>(*alignment);
  }
  return {};
}

// Moves offsets from the start of the data to the start of the file. llama.cpp wants the tensors one after
// the other.
Result<void> place_tensors(const Cursor& cursor, GgufFile& file) {
  const uint64_t data_offset = round_up(cursor.offset(), file.alignment);
  uint64_t expected = 0;
  for (GgufTensor& tensor : file.tensors) {
    const std::string what = fmt::format("tensor '{}'", printable(tensor.name, 80));
    if (tensor.offset != expected) {
      return cursor.wrong(
          fmt::format("{} lies at {} in the data, expected {}", what, tensor.offset, expected),
          cursor.offset());
    }
    if (data_offset > file.file_bytes || tensor.offset > file.file_bytes - data_offset ||
        tensor.bytes > file.file_bytes - data_offset - tensor.offset) {
      return cursor.wrong(fmt::format("{} ends at byte {} of a file of {}", what,
                                      data_offset + tensor.offset + tensor.bytes, file.file_bytes),
                          cursor.offset(), kTruncated);
    }
    tensor.offset += data_offset;
    expected = round_up(expected + tensor.bytes, file.alignment);
  }
  return {};
}

}  // namespace

const GgufEntry* GgufFile::find(std::string_view key) const {
  for (const GgufEntry& entry : metadata) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

int64_t GgufFile::integer(std::string_view key, int64_t otherwise) const {
  const GgufEntry* entry = find(key);
  const int64_t* value = entry == nullptr ? nullptr : std::get_if<int64_t>(&entry->value);
  return value == nullptr ? otherwise : *value;
}

std::string GgufFile::text(std::string_view key) const {
  const GgufEntry* entry = find(key);
  const std::string* value = entry == nullptr ? nullptr : std::get_if<std::string>(&entry->value);
  return value == nullptr ? "" : *value;
}

Result<GgufFile> parse_gguf(std::span<const std::byte> bytes, const std::string& where) {
  Cursor cursor(bytes, where);
  GgufFile file;
  file.file_bytes = bytes.size();
  RETURN_IF_ERROR(read_magic(cursor, file));
  ASSIGN_OR_RETURN(const uint64_t tensors, cursor.number<uint64_t>("the number of tensors"));
  ASSIGN_OR_RETURN(const uint64_t entries, cursor.number<uint64_t>("the number of metadata entries"));
  if (tensors > kMaxTensors) return cursor.wrong(fmt::format("it claims {} tensors", tensors), 8);
  if (entries > kMaxEntries) return cursor.wrong(fmt::format("it claims {} metadata entries", entries), 16);
  RETURN_IF_ERROR(read_metadata(cursor, entries, file));
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < tensors; ++i) {
    const uint64_t at = cursor.offset();
    ASSIGN_OR_RETURN(GgufTensor tensor, read_tensor(cursor, i));
    if (!names.insert(tensor.name).second) {
      return cursor.wrong(fmt::format("tensor '{}' occurs twice", printable(tensor.name, 80)), at);
    }
    file.tensors.push_back(std::move(tensor));
  }
  RETURN_IF_ERROR(place_tensors(cursor, file));
  return file;
}

}  // namespace assay
