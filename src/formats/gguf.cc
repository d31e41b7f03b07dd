#include "formats/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "formats/gguf_types.h"

namespace onmal {
namespace {

static_assert(std::endian::native == std::endian::little);

using gguf::ValueType;

// Reads numbers off the front of a file, never past its end.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  template <typename T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  bool boolean(std::string_view what) {
    const auto value = number<uint8_t>(what);
    if (value > 1) fail("holds the boolean " + std::to_string(value));
    return value == 1;
  }

  std::string string(std::string_view what) {
    const std::span<const std::byte> text = take(number<uint64_t>(what), what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  // A count of things that take at least `least_bytes` each: refuses what the file cannot hold, so
  // that memory asked for stays in proportion to the file.
  size_t count(uint64_t least_bytes, std::string_view what) {
    const auto value = number<uint64_t>(what);
    if (value > remaining() / least_bytes) {
      fail("says it has " + std::to_string(value) + " " + std::string(what) +
           ", more than its size allows");
    }
    return static_cast<size_t>(value);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadFile, where_, what + " (at byte " + std::to_string(position_) + ")",
                "the file is cut off or damaged: fetch it again");
  }

 private:
  std::span<const std::byte> take(uint64_t size, std::string_view what) {
    if (size > remaining()) {
      fail("ends inside " + std::string(what) + ", which wants " + std::to_string(size) +
           " more bytes");
    }
    const std::span<const std::byte> part = bytes_.subspan(position_, static_cast<size_t>(size));
    position_ += part.size();
    return part;
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  size_t position_ = 0;
};

// Integers that int64_t cannot hold stay uint64_t.
template <typename T>
MetadataValue integer_value(T value) {
  if (std::in_range<int64_t>(value)) return static_cast<int64_t>(value);
  return static_cast<uint64_t>(value);
}

template <typename T>
std::vector<int64_t> read_integers(ByteReader& reader, const std::string& key) {
  std::vector<int64_t> values(reader.count(sizeof(T), "array elements"));
  for (int64_t& value : values) {
    const T number = reader.number<T>(key);
    if (!std::in_range<int64_t>(number)) reader.fail("key '" + key + "' holds a number over 2^63");
    value = static_cast<int64_t>(number);
  }
  return values;
}

template <typename T>
std::vector<double> read_floats(ByteReader& reader, const std::string& key) {
  std::vector<double> values(reader.count(sizeof(T), "array elements"));
  for (double& value : values) value = static_cast<double>(reader.number<T>(key));
  return values;
}

std::vector<bool> read_booleans(ByteReader& reader, const std::string& key) {
  std::vector<bool> values(reader.count(1, "array elements"));
  for (size_t i = 0; i < values.size(); ++i) values[i] = reader.boolean(key);
  return values;
}

std::vector<std::string> read_strings(ByteReader& reader, const std::string& key) {
  std::vector<std::string> values(reader.count(sizeof(uint64_t), "array elements"));
  for (std::string& value : values) value = reader.string(key);
  return values;
}

[[noreturn]] void fail_value_type(const ByteReader& reader, const std::string& key,
                                  ValueType type) {
  reader.fail("key '" + key + "' has the unknown value type " +
              std::to_string(static_cast<uint32_t>(type)));
}

MetadataValue read_array(ByteReader& reader, const std::string& key, const std::string& where) {
  const auto type = reader.number<ValueType>(key);
  switch (type) {
    case ValueType::kUint8:
      return read_integers<uint8_t>(reader, key);
    case ValueType::kInt8:
      return read_integers<int8_t>(reader, key);
    case ValueType::kUint16:
      return read_integers<uint16_t>(reader, key);
    case ValueType::kInt16:
      return read_integers<int16_t>(reader, key);
    case ValueType::kUint32:
      return read_integers<uint32_t>(reader, key);
    case ValueType::kInt32:
      return read_integers<int32_t>(reader, key);
    case ValueType::kUint64:
      return read_integers<uint64_t>(reader, key);
    case ValueType::kInt64:
      return read_integers<int64_t>(reader, key);
    case ValueType::kFloat32:
      return read_floats<float>(reader, key);
    case ValueType::kFloat64:
      return read_floats<double>(reader, key);
    case ValueType::kBool:
      return read_booleans(reader, key);
    case ValueType::kString:
      return read_strings(reader, key);
    case ValueType::kArray:
      throw Error(ErrorCode::kUnsupported, where, "key '" + key + "' holds an array of arrays");
  }
  fail_value_type(reader, key, type);
}

MetadataValue read_value(ByteReader& reader, const std::string& key, const std::string& where) {
  const auto type = reader.number<ValueType>(key);
  switch (type) {
    case ValueType::kUint8:
      return integer_value(reader.number<uint8_t>(key));
    case ValueType::kInt8:
      return integer_value(reader.number<int8_t>(key));
    case ValueType::kUint16:
      return integer_value(reader.number<uint16_t>(key));
    case ValueType::kInt16:
      return integer_value(reader.number<int16_t>(key));
    case ValueType::kUint32:
      return integer_value(reader.number<uint32_t>(key));
    case ValueType::kInt32:
      return integer_value(reader.number<int32_t>(key));
    case ValueType::kUint64:
      return integer_value(reader.number<uint64_t>(key));
    case ValueType::kInt64:
      return integer_value(reader.number<int64_t>(key));
    case ValueType::kFloat32:
      return static_cast<double>(reader.number<float>(key));
    case ValueType::kFloat64:
      return reader.number<double>(key);
    case ValueType::kBool:
      return reader.boolean(key);
    case ValueType::kString:
      return reader.string(key);
    case ValueType::kArray:
      return read_array(reader, key, where);
  }
  fail_value_type(reader, key, type);
}

// Fills in what the type and the dimensions say; leaves a type not in the table to be refused when
// the tensor is asked for.
void apply_type(TensorEntry& entry, uint32_t type_id, const ByteReader& reader) {
  const auto* type = std::find_if(gguf::kTensorTypes.begin(), gguf::kTensorTypes.end(),
                                  [&](const gguf::TensorType& row) { return row.id == type_id; });
  if (type == gguf::kTensorTypes.end()) {
    entry.type_name = "type " + std::to_string(type_id);
    return;
  }
  entry.type_name = type->name;
  entry.dtype = type->dtype;
  const int64_t row = entry.dims.empty() ? 1 : entry.dims.back();
  if (static_cast<uint64_t>(row) % type->block_size != 0) {
    reader.fail("tensor '" + entry.name + "' has rows of " + std::to_string(row) +
                " values, not whole blocks of " + entry.type_name);
  }
  const std::optional<uint64_t> bytes = checked_elements(entry.dims, type->block_bytes);
  if (!bytes) reader.fail("tensor '" + entry.name + "' has dimensions that overflow");
  entry.bytes = *bytes / type->block_size;
}

TensorEntry read_entry(ByteReader& reader, uint64_t alignment) {
  TensorEntry entry;
  entry.name = reader.string("a tensor's name");
  const auto rank = reader.number<uint32_t>("a tensor's rank");
  if (rank > gguf::kMostDims) {
    reader.fail("tensor '" + entry.name + "' has " + std::to_string(rank) + " dimensions");
  }
  entry.dims.resize(rank);
  for (uint32_t i = rank; i-- > 0;) {  // stored innermost first
    entry.dims[i] = reader.number<int64_t>("a tensor's dimensions");
    if (entry.dims[i] < 0) reader.fail("tensor '" + entry.name + "' has a negative dimension");
  }
  apply_type(entry, reader.number<uint32_t>("a tensor's type"), reader);
  entry.offset = reader.number<uint64_t>("a tensor's offset");
  if (entry.offset % alignment != 0) {
    reader.fail("tensor '" + entry.name + "' is not aligned to " + std::to_string(alignment));
  }
  return entry;
}

uint64_t read_alignment(const Metadata& metadata) {
  constexpr int64_t kMost = 1 << 20;
  const int64_t alignment = metadata.get_int(gguf::kAlignmentKey, gguf::kDefaultAlignment);
  if (alignment < 1 || alignment > kMost ||
      !std::has_single_bit(static_cast<uint64_t>(alignment))) {
    throw Error(ErrorCode::kBadFile, metadata.where(),
                "the alignment is " + std::to_string(alignment) + ", expected a power of two");
  }
  return static_cast<uint64_t>(alignment);
}

uint64_t aligned(uint64_t offset, uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

void check_start(std::span<const std::byte> bytes, uint32_t& version, const std::string& where) {
  ByteReader reader(bytes, where);
  const auto magic = reader.number<std::array<char, 4>>("the magic number");
  if (std::string_view(magic.data(), magic.size()) != gguf::kMagic) {
    throw Error(ErrorCode::kBadFile, where, "does not begin with 'GGUF'", "it is not a GGUF file");
  }
  version = reader.number<uint32_t>("the version");
  if (version < gguf::kOldestVersion || version > gguf::kVersion) {
    const bool swapped = (version & 0xFFFFU) == 0;
    throw Error(
        ErrorCode::kUnsupported, where,
        swapped ? "is a big-endian GGUF file" : "is GGUF version " + std::to_string(version),
        "versions 2 and 3, little-endian, are known");
  }
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  parse(file_.bytes(), path.string());
}

GgufFile::GgufFile(std::span<const std::byte> bytes, const std::string& where) {
  parse(bytes, where);
}

void GgufFile::parse(std::span<const std::byte> bytes, const std::string& where) {
  constexpr uint64_t kLeastItemBytes = 13;    // a key's length, a type, a byte
  constexpr uint64_t kLeastTensorBytes = 24;  // a name's length, rank, type, offset
  check_start(bytes, version_, where);
  ByteReader reader(bytes, where);
  reader.number<uint64_t>("the start");
  const size_t tensors = reader.count(kLeastTensorBytes, "tensors");
  const size_t items = reader.count(kLeastItemBytes, "metadata keys");
  metadata_ = Metadata(where);
  for (size_t i = 0; i < items; ++i) {
    std::string key = reader.string("a key");
    MetadataValue value = read_value(reader, key, where);
    metadata_.add(std::move(key), std::move(value));
  }
  const uint64_t alignment = read_alignment(metadata_);
  std::vector<TensorEntry> entries;
  for (size_t i = 0; i < tensors; ++i) entries.push_back(read_entry(reader, alignment));
  const uint64_t begin = std::min<uint64_t>(aligned(reader.position(), alignment), bytes.size());
  table_ = TensorTable(std::move(entries), bytes.subspan(static_cast<size_t>(begin)), where);
}

void GgufFile::forget(std::string_view name) const {
  const Tensor tensor = table_.find(name);
  if (!tensor.defined()) return;
  file_.forget({tensor.data_as<const std::byte>(), static_cast<size_t>(tensor.bytes())});
}

}  // namespace onmal
