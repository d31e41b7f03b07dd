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

}  // namespace

class GgufWriter::Stream {
 public:
  explicit Stream(const std::filesystem::path& path) : file_(path) {}

  template <typename T>
  void number(T value) {
    file_.write(std::as_bytes(std::span(&value, 1)));
  }
  void string(std::string_view text) {
    number<uint64_t>(text.size());
    file_.write(text);
  }
  void bytes(const Tensor& tensor) {
    file_.write(std::span(tensor.data_as<const std::byte>(), static_cast<size_t>(tensor.bytes())));
  }
  void pad(uint64_t alignment) {
    const uint64_t over = file_.size() % alignment;
    if (over != 0) file_.write(std::string(static_cast<size_t>(alignment - over), '\0'));
  }
  void raw(std::string_view text) { file_.write(text); }
  void commit() { file_.commit(); }

  // The keys about a split have types of their own, which llama.cpp insists on.
  bool split_value(std::string_view key, const MetadataValue& value) {
    const int64_t* integer = std::get_if<int64_t>(&value);
    if (integer == nullptr) return false;
    if (key == gguf::kSplitPartKey || key == gguf::kSplitCountKey) {
      number(ValueType::kUint16);
      number(static_cast<uint16_t>(*integer));
    } else if (key == gguf::kSplitTensorsKey) {
      number(ValueType::kInt32);
      number(static_cast<int32_t>(*integer));
    } else {
      return false;
    }
    return true;
  }

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

namespace {

uint32_t type_id_of(const TensorPlan& plan, const std::string& where) {
  for (const gguf::TensorType& row : gguf::kTensorTypes) {
    if (row.dtype == plan.dtype) return row.id;
  }
  refuse(where, "GGUF has no number format for " + std::string(dtype_info(plan.dtype).name) +
                    " (tensor '" + plan.name + "')");
}

uint64_t aligned(uint64_t size) {
  return (size + gguf::kDefaultAlignment - 1) / gguf::kDefaultAlignment * gguf::kDefaultAlignment;
}

void check_names(const Metadata& metadata, std::span<const TensorPlan> plans,
                 const std::string& where) {
  constexpr size_t kLongestKey = 65535;
  constexpr size_t kLongestName = 63;  // of ggml, with its terminating zero
  for (const auto& [key, value] : metadata.items()) {
    if (key.empty() || key.size() > kLongestKey)
      refuse(where, "the key '" + key + "' has no or too long a name");
  }
  std::set<std::string_view> names;
  for (const TensorPlan& plan : plans) {
    if (plan.name.empty() || plan.name.size() > kLongestName) {
      refuse(where, "the tensor name '" + plan.name + "' is not of 1 to 63 bytes");
    }
    if (!names.insert(plan.name).second) {
      refuse(where, "the tensor name '" + plan.name + "' comes twice");
    }
    const int64_t block_size = dtype_info(plan.dtype).block_size;
    if (block_size > 1 && (plan.shape.rank() == 0 || plan.shape.dim(-1) % block_size != 0)) {
      refuse(where, "rows of '" + plan.name + "' cannot be cut into blocks of " +
                        std::to_string(block_size));
    }
  }
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, const Metadata& metadata,
                       std::vector<TensorPlan> plans)
    : plans_(std::move(plans)) {
  const std::string where = path.string();
  check_names(metadata, plans_, where);
  for (const TensorPlan& plan : plans_) type_id_of(plan, where);
  // The alignment is this writer's own.
  const bool has_alignment = metadata.contains(gguf::kAlignmentKey);
  stream_ = std::make_unique<Stream>(path);
  stream_->raw(gguf::kMagic);
  stream_->number(gguf::kVersion);
  stream_->number<uint64_t>(plans_.size());
  stream_->number<uint64_t>(metadata.items().size() - (has_alignment ? 1 : 0));
  for (const auto& [key, value] : metadata.items()) {
    if (key == gguf::kAlignmentKey) continue;
    stream_->string(key);
    if (stream_->split_value(key, value)) continue;
    std::visit([&](const auto& held) { stream_->value(held); }, value);
  }
  uint64_t offset = 0;
  for (const TensorPlan& plan : plans_) {
    stream_->string(plan.name);
    stream_->number(static_cast<uint32_t>(plan.shape.rank()));
    for (int i = plan.shape.rank() - 1; i >= 0; --i) stream_->number(plan.shape.dim(i));
    stream_->number(type_id_of(plan, where));
    stream_->number(offset);
    offset += aligned(static_cast<uint64_t>(dtype_bytes(plan.dtype, plan.shape.elements())));
  }
}

GgufWriter::~GgufWriter() = default;

void GgufWriter::add(const Tensor& tensor) {
  ONMAL_ASSERT(added_ < plans_.size());
  const TensorPlan& plan = plans_[added_++];
  ONMAL_ASSERT(tensor.dtype() == plan.dtype && tensor.shape() == plan.shape);
  stream_->pad(gguf::kDefaultAlignment);
  stream_->bytes(tensor);
}

void GgufWriter::commit() {
  ONMAL_ASSERT(added_ == plans_.size());
  stream_->pad(gguf::kDefaultAlignment);
  stream_->commit();
}

void write_gguf(const std::filesystem::path& path, const Metadata& metadata,
                std::span<const NamedTensor> tensors) {
  std::vector<TensorPlan> plans;
  for (const NamedTensor& named : tensors) {
    if (!named.tensor.defined()) {
      refuse(path.string(), "the tensor '" + named.name + "' is undefined");
    }
    plans.push_back({named.name, named.tensor.shape(), named.tensor.dtype()});
  }
  GgufWriter writer(path, metadata, std::move(plans));
  for (const NamedTensor& named : tensors) writer.add(named.tensor);
  writer.commit();
}

}  // namespace onmal
