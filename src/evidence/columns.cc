// Columns to bytes and back: docs/formats/dossier.md, "Columns, version 1". The decoder trusts nothing it
// reads.
#include "evidence/columns.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>

namespace assay {
namespace {

constexpr char kColumnsVersion = 1;
constexpr int kCompressionLevel = 3;
constexpr size_t kMaxColumns = 1024;
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxVarintBytes = 10;
constexpr size_t kStepBytes = size_t{1} << 17;

enum ColumnType : char { kIntegers = 0, kDoubles = 1 };

uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// Compresses as it goes: a day's stamps are gigabytes, which are not held a second time.
class Encoder {
 public:
  Encoder()
      : context_(ZSTD_createCCtx(), &ZSTD_freeCCtx), block_(kStepBytes, '\0'), out_(1, kColumnsVersion) {
    CHECK(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kCompressionLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    pending_.reserve(kStepBytes + kMaxNameBytes);
  }

  void varint(uint64_t value) {
    while (value >= 0x80) {
      pending_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    byte(static_cast<char>(value));
  }
  void byte(char value) {
    pending_ += value;
    if (pending_.size() >= kStepBytes) compress(ZSTD_e_continue);
  }
  void text(std::string_view text) { pending_ += text; }
  void number(double value) {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<char>(bits >> shift));
  }
  // Differences wrap around like the unsigned numbers they are taken in, so that any two integers have one.
  template <class Value>
  void integers(const std::vector<Value>& values) {
    uint64_t last = 0;
    for (const Value value : values) {
      const auto now = static_cast<uint64_t>(static_cast<int64_t>(value));
      varint(zigzag(static_cast<int64_t>(now - last)));
      last = now;
    }
  }

  std::string take() {
    compress(ZSTD_e_end);
    return std::move(out_);
  }

 private:
  void compress(ZSTD_EndDirective directive) {
    ZSTD_inBuffer input{pending_.data(), pending_.size(), 0};
    size_t left = 1;
    while (left != 0) {
      ZSTD_outBuffer output{block_.data(), block_.size(), 0};
      left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
      CHECK(!ZSTD_isError(left));
      out_.append(block_, 0, output.pos);
      if (directive == ZSTD_e_continue && input.pos == input.size) break;
    }
    pending_.clear();
  }

  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
  std::string pending_, block_, out_;
};

void put_column(const Column& column, Encoder& out) {
  CHECK(column.name.size() <= kMaxNameBytes);
  out.varint(column.name.size());
  out.text(column.name);
  out.byte(column.is_double ? kDoubles : kIntegers);
  out.varint(column.size());
  if (column.is_double) {
    for (const double value : column.doubles) out.number(value);
  } else if (!column.small.empty()) {
    out.integers(column.small);
  } else {
    out.integers(column.integers);
  }
}

std::unexpected<Error> malformed(std::string_view why) {
  return fail(fmt::format("the raw samples are damaged: {}", why));
}

// Takes values off the front of the payload; any reading past its end fails.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }
  size_t left() const { return bytes_.size(); }

  bool varint(uint64_t& value) {
    value = 0;
    for (size_t i = 0; i < std::min(bytes_.size(), kMaxVarintBytes); ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[i]);
      if (i + 1 == kMaxVarintBytes && byte > 1) return false;  // beyond 64 bits
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        bytes_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  bool raw(size_t count, std::string_view& out) {
    if (count > bytes_.size()) return false;
    out = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return true;
  }

 private:
  std::string_view bytes_;
};

double double_of(std::string_view eight_bytes) {
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; ++i)
    bits |= static_cast<uint64_t>(static_cast<unsigned char>(eight_bytes[i])) << (8 * i);
  return std::bit_cast<double>(bits);
}

bool read_values(Reader& reader, size_t count, Column& column) {
  if (column.is_double) {
    std::string_view raw;
    if (count > reader.left() / 8 || !reader.raw(count * 8, raw)) return false;
    column.doubles.reserve(count);
    for (size_t i = 0; i < count; ++i) column.doubles.push_back(double_of(raw.substr(i * 8, 8)));
    return true;
  }
  if (count > reader.left())
    return false;  // a value takes a byte at least: nothing is reserved on a mere claim
  column.integers.reserve(count);
  uint64_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    uint64_t difference = 0;
    if (!reader.varint(difference)) return false;
    last += static_cast<uint64_t>(unzigzag(difference));
    column.integers.push_back(static_cast<int64_t>(last));
  }
  return true;
}

Result<Column> read_column(Reader& reader, int64_t& values_left) {
  Column column;
  uint64_t name_bytes = 0, count = 0;
  std::string_view name, type;
  if (!reader.varint(name_bytes) || name_bytes > kMaxNameBytes || !reader.raw(name_bytes, name)) {
    return malformed("a column's name does not fit");
  }
  if (!reader.raw(1, type) || (type[0] != kIntegers && type[0] != kDoubles)) {
    return malformed("a column has an unknown type");
  }
  if (!reader.varint(count)) return malformed("a column has no length");
  if (count > static_cast<uint64_t>(values_left)) return malformed("they hold more values than allowed");
  values_left -= static_cast<int64_t>(count);
  column.name = name;
  column.is_double = type[0] == kDoubles;
  if (!read_values(reader, count, column))
    return malformed(fmt::format("column '{}' ends early", printable(name)));
  return column;
}

// Grows only as data really comes out, never by the size that a frame claims.
Result<std::string> decompress(std::string_view frame, size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  CHECK(context != nullptr);
  std::string out;
  ZSTD_inBuffer input{frame.data(), frame.size(), 0};
  while (true) {
    const size_t before = out.size();
    out.resize(before + std::max(kStepBytes, before));
    ZSTD_outBuffer output{out.data(), out.size(), before};
    const size_t hint = ZSTD_decompressStream(context.get(), &output, &input);
    out.resize(output.pos);
    if (ZSTD_isError(hint)) return malformed(ZSTD_getErrorName(hint));
    if (out.size() > max_bytes) return malformed("they hold more values than allowed");
    if (hint == 0) break;
    if (input.pos == input.size && out.size() == before) return malformed("they end early");
  }
  if (input.pos != input.size) return malformed("something follows their end");
  return out;
}

const Column* find_column(const std::vector<Column>& columns, std::string_view name, bool is_double) {
  for (const Column& column : columns) {
    if (column.name == name && column.is_double == is_double) return &column;
  }
  return nullptr;
}

}  // namespace

void Columns::add(std::string name, std::vector<int64_t> values) {
  columns.push_back({.name = std::move(name), .integers = std::move(values), .doubles = {}, .small = {}});
}

void Columns::add(std::string name, std::vector<uint16_t> values) {
  columns.push_back({.name = std::move(name), .integers = {}, .doubles = {}, .small = std::move(values)});
}

void Columns::add(std::string name, std::vector<double> values) {
  columns.push_back({.name = std::move(name),
                     .integers = {},
                     .doubles = std::move(values),
                     .small = {},
                     .is_double = true});
}

const std::vector<int64_t>* Columns::integers(std::string_view name) const {
  const Column* column = find_column(columns, name, false);
  return column != nullptr && column->small.empty() ? &column->integers : nullptr;
}

const std::vector<double>* Columns::doubles(std::string_view name) const {
  const Column* column = find_column(columns, name, true);
  return column != nullptr ? &column->doubles : nullptr;
}

size_t Columns::rows() const {
  return columns.empty() ? 0 : columns.front().size();
}

std::string encode_columns(const Columns& columns) {
  CHECK(columns.columns.size() <= kMaxColumns);
  Encoder out;
  out.varint(columns.columns.size());
  for (const Column& column : columns.columns) put_column(column, out);
  return out.take();
}

Result<Columns> decode_columns(std::string_view bytes, int64_t max_values) {
  CHECK(max_values >= 0);
  if (bytes.empty()) return malformed("they are empty");
  if (bytes[0] != kColumnsVersion) {
    return fail(fmt::format("the raw samples are in encoding version {}, which this assay does not know",
                            static_cast<unsigned char>(bytes[0])),
                "", "Use the version of assay that wrote them, or a newer one.");
  }
  constexpr size_t kMaxHeaderBytes =
      kMaxColumns * (kMaxNameBytes + 2 * kMaxVarintBytes + 1) + kMaxVarintBytes;
  const size_t max_bytes = static_cast<size_t>(max_values) * kMaxVarintBytes + kMaxHeaderBytes;
  ASSIGN_OR_RETURN(const std::string payload, decompress(bytes.substr(1), max_bytes));
  Reader reader(payload);
  uint64_t count = 0;
  if (!reader.varint(count) || count > kMaxColumns) return malformed("the number of columns is impossible");
  Columns columns;
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(Column column, read_column(reader, max_values));
    columns.columns.push_back(std::move(column));
  }
  if (!reader.at_end()) return malformed("something follows the last column");
  return columns;
}

}  // namespace assay
