#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/file.h"
#include "formats/gguf.h"
#include "formats/gguf_types.h"

namespace onmal {
namespace {

using gguf::ValueType;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, where, what);
}

class GgufStream {
 public:
  explicit GgufStream(const std::filesystem::path& path) : file_(path) {}

  template <typename T>
  void number(T value) {
    file_.write(std::as_bytes(std::span(&value, 1)));
  }
  void string(std::string_view text) {
    number<uint64_t>(text.size());
    file_.write(text);
  }
  void bytes(const NamedTensor& named) {
    file_.write(std::span(named.tensor.data_as<const std::byte>(),
                          static_cast<size_t>(named.tensor.bytes())));
  }
  void pad(uint64_t alignment) {
    const uint64_t over = file_.size() % alignment;
    if (over != 0) file_.write(std::string(static_cast<size_t>(alignment - over), '\0'));
  }
  void raw(std::string_view text) { file_.write(text); }
  void commit() { file_.commit(); }

  // A value: its type, then its bytes.
  void value(bool flag) {
    number(ValueType::kBool);
    number<uint8_t>(flag ? 1 : 0);
  }
  void value(int64_t integer) {
    if (std::in_range<uint32_t>(integer)) {
      number(ValueType::kUint32);
      number(static_cast<uint32_t>(integer));
    } else if (std::in_range<int32_t>(integer)) {
      number(ValueType::kInt32);
      number(static_cast<int32_t>(integer));
    } else {
      number(ValueType::kInt64);
      number(integer);
    }
  }
  void value(uint64_t integer) {
    if (std::in_range<int64_t>(integer)) {
      value(static_cast<int64_t>(integer));
    } else {
      number(ValueType::kUint64);
      number(integer);
    }
  }
  void value(double real) {
    number(ValueType::kFloat32);
    number(static_cast<float>(real));
  }
  void value(const std::string& text) {
    number(ValueType::kString);
    string(text);
  }
  void value(const std::vector<bool>& flags) {
    begin_array(ValueType::kBool, flags.size());
    for (const bool flag : flags) number<uint8_t>(flag ? 1 : 0);
  }
  void value(const std::vector<int64_t>& integers) {
    const bool narrow = std::all_of(integers.begin(), integers.end(), [](int64_t integer) {
      return std::in_range<int32_t>(integer);
    });
    begin_array(narrow ? ValueType::kInt32 : ValueType::kInt64, integers.size());
    for (const int64_t integer : integers) {
      narrow ? number(static_cast<int32_t>(integer)) : number(integer);
    }
  }
  void value(const std::vector<double>& reals) {
    begin_array(ValueType::kFloat32, reals.size());
    for (const double real : reals) number(static_cast<float>(real));
  }
  void value(const std::vector<std::string>& texts) {
    begin_array(ValueType::kString, texts.size());
    for (const std::string& text : texts) string(text);
  }

 private:
  void begin_array(ValueType element, size_t count) {
    number(ValueType::kArray);
    number(element);
    number<uint64_t>(count);
  }

  AtomicFile file_;
};

uint32_t type_id_of(const NamedTensor& named, const std::string& where) {
  for (const gguf::TensorType& row : gguf::kTensorTypes) {
    if (row.dtype == named.tensor.dtype()) return row.id;
  }
  refuse(where, "GGUF has no number format for " +
                    std::string(dtype_info(named.tensor.dtype()).name) + " (tensor '" + named.name +
                    "')");
}

uint64_t aligned(uint64_t size) {
  return (size + gguf::kDefaultAlignment - 1) / gguf::kDefaultAlignment * gguf::kDefaultAlignment;
}

void check_names(const Metadata& metadata, std::span<const NamedTensor> tensors,
                 const std::string& where) {
  constexpr size_t kLongestKey = 65535;
  constexpr size_t kLongestName = 63;  // of ggml, with its terminating zero
  for (const auto& [key, value] : metadata.items()) {
    if (key.empty() || key.size() > kLongestKey)
      refuse(where, "the key '" + key + "' has no or too long a name");
  }
  std::set<std::string_view> names;
  for (const NamedTensor& named : tensors) {
    if (named.name.empty() || named.name.size() > kLongestName) {
      refuse(where, "the tensor name '" + named.name + "' is not of 1 to 63 bytes");
    }
    if (!names.insert(named.name).second) {
      refuse(where, "the tensor name '" + named.name + "' comes twice");
    }
    if (!named.tensor.defined()) refuse(where, "the tensor '" + named.name + "' is undefined");
  }
}

void write_entries(GgufStream& stream, std::span<const NamedTensor> tensors,
                   const std::string& where) {
  uint64_t offset = 0;
  for (const NamedTensor& named : tensors) {
    const Shape& shape = named.tensor.shape();
    stream.string(named.name);
    stream.number(static_cast<uint32_t>(shape.rank()));
    for (int i = shape.rank() - 1; i >= 0; --i) stream.number(shape.dim(i));
    stream.number(type_id_of(named, where));
    stream.number(offset);
    offset += aligned(static_cast<uint64_t>(named.tensor.bytes()));
  }
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const Metadata& metadata,
                std::span<const NamedTensor> tensors) {
  const std::string where = path.string();
  check_names(metadata, tensors, where);
  for (const NamedTensor& named : tensors) type_id_of(named, where);
  // The alignment is this writer's own.
  const bool has_alignment = metadata.contains(gguf::kAlignmentKey);
  GgufStream stream(path);
  stream.raw(gguf::kMagic);
  stream.number(gguf::kVersion);
  stream.number<uint64_t>(tensors.size());
  stream.number<uint64_t>(metadata.items().size() - (has_alignment ? 1 : 0));
  for (const auto& [key, value] : metadata.items()) {
    if (key == gguf::kAlignmentKey) continue;
    stream.string(key);
    std::visit([&](const auto& held) { stream.value(held); }, value);
  }
  write_entries(stream, tensors, where);
  for (const NamedTensor& named : tensors) {
    stream.pad(gguf::kDefaultAlignment);
    stream.bytes(named);
  }
  stream.pad(gguf::kDefaultAlignment);
  stream.commit();
}

}  // namespace onmal
