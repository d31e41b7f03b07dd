#include "quantize/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "formats/gguf.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr std::string_view kSquares = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
constexpr std::string_view kDatasets = "imatrix.datasets";
constexpr std::string_view kChunkCount = "imatrix.chunk_count";
constexpr std::string_view kChunkSize = "imatrix.chunk_size";

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadFile, where, what, "make the importance matrix again");
}

void check_entry(const std::string& name, const ImportanceEntry& entry, const std::string& where) {
  const auto usable = [](double value) { return std::isfinite(value) && value >= 0; };
  if (entry.squares.empty() || entry.counts.empty() ||
      entry.squares.size() % entry.counts.size() != 0) {
    fail(where, "'" + name + "' has " + std::to_string(entry.squares.size()) + " sums for " +
                    std::to_string(entry.counts.size()) + " counts");
  }
  if (!std::all_of(entry.squares.begin(), entry.squares.end(), usable) ||
      !std::all_of(entry.counts.begin(), entry.counts.end(), usable)) {
    fail(where, "'" + name + "' holds values that are negative or not finite");
  }
}

std::vector<double> values_of(const Tensor& tensor, const std::string& name,
                              const std::string& where) {
  if (tensor.dtype() != DType::kF32) fail(where, "'" + name + "' is not stored as F32");
  return {tensor.f32(), tensor.f32() + tensor.elements()};
}

ImportanceMatrix from_gguf(const GgufFile& file, const std::string& where) {
  const Metadata& metadata = file.metadata();
  if (metadata.get_string("general.type", "") != "imatrix") {
    fail(where, "is a GGUF file, but no importance matrix");
  }
  ImportanceMatrix matrix;
  if (metadata.contains(kDatasets)) {
    const auto datasets = metadata.get_strings(kDatasets);
    matrix.datasets.assign(datasets.begin(), datasets.end());
  }
  matrix.chunks = metadata.get_int(kChunkCount, 0);
  matrix.chunk_tokens = metadata.get_int(kChunkSize, 0);
  for (const TensorEntry& tensor : file.entries()) {
    if (!tensor.name.ends_with(kSquares)) continue;
    const std::string name = tensor.name.substr(0, tensor.name.size() - kSquares.size());
    const std::string counts = name + std::string(kCounts);
    ImportanceEntry entry;
    entry.squares = values_of(file.tensor(tensor.name), tensor.name, where);
    entry.counts = values_of(file.tensor(counts), counts, where);
    check_entry(name, entry, where);
    matrix.entries[name] = std::move(entry);
  }
  return matrix;
}

// The older format: a count of entries, then name, calls, values (mean squares times calls) of
// each; behind them the number of chunks and the name of the text. All integers are 32 bits wide.
class OldFormat {
 public:
  OldFormat(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  ImportanceMatrix read() {
    constexpr int32_t kMostEntries = 1 << 20;
    constexpr int32_t kLongestName = 4096;
    const int32_t count = integer(1, kMostEntries, "entries");
    ImportanceMatrix matrix;
    for (int32_t i = 0; i < count; ++i) {
      const auto length = static_cast<size_t>(integer(1, kLongestName, "letters in a name"));
      const std::span<const std::byte> text = take(length);
      const std::string name(reinterpret_cast<const char*>(text.data()), length);
      const int32_t calls = integer(0, INT32_MAX, "calls");
      const auto values = static_cast<size_t>(integer(1, INT32_MAX, "values"));
      if (values > left() / sizeof(float)) fail(where_, "ends within '" + name + "'");
      ImportanceEntry entry;
      for (size_t k = 0; k < values; ++k) entry.squares.push_back(real());
      entry.counts.push_back(calls);
      check_entry(name, entry, where_);
      if (!matrix.entries.emplace(name, std::move(entry)).second) {
        fail(where_, "names '" + name + "' twice");
      }
    }
    if (left() >= sizeof(int32_t)) matrix.chunks = integer(0, INT32_MAX, "chunks");
    if (left() >= sizeof(int32_t)) {
      const auto length = static_cast<size_t>(integer(0, INT32_MAX, "letters"));
      const std::span<const std::byte> text = take(length);
      if (length > 0)
        matrix.datasets.emplace_back(reinterpret_cast<const char*>(text.data()), length);
    }
    return matrix;
  }

 private:
  size_t left() const { return bytes_.size() - position_; }
  std::span<const std::byte> take(size_t count) {
    if (count > left()) fail(where_, "is neither a GGUF file nor a whole importance matrix");
    position_ += count;
    return bytes_.subspan(position_ - count, count);
  }
  int32_t integer(int32_t least, int32_t most, const std::string& what) {
    int32_t value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    if (value < least || value > most) {
      fail(where_,
           "is no importance matrix (it says it has " + std::to_string(value) + " " + what + ")");
    }
    return value;
  }
  double real() {
    float value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return static_cast<double>(value);
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  size_t position_ = 0;
};

}  // namespace

std::vector<float> ImportanceEntry::means() const {
  std::vector<float> result(squares.size());
  const size_t columns = squares.size() / counts.size();
  for (size_t i = 0; i < squares.size(); ++i) {
    const double count = counts[i / columns];
    result[i] = count > 0 ? static_cast<float>(squares[i] / count) : 1.0F;
  }
  return result;
}

ImportanceMatrix parse_importance(std::span<const std::byte> bytes, const std::string& where) {
  constexpr std::string_view kGguf = "GGUF";
  if (bytes.size() >= kGguf.size() && std::memcmp(bytes.data(), kGguf.data(), kGguf.size()) == 0) {
    return from_gguf(GgufFile(bytes, where), where);
  }
  return OldFormat(bytes, where).read();
}

ImportanceMatrix read_importance(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_importance(file.bytes(), path.string());
}

void write_importance(const std::filesystem::path& path, const ImportanceMatrix& matrix) {
  Metadata metadata(path.string());
  metadata.set("general.type", std::string("imatrix"));
  metadata.set(std::string(kDatasets), matrix.datasets);
  metadata.set(std::string(kChunkCount), matrix.chunks);
  metadata.set(std::string(kChunkSize), matrix.chunk_tokens);
  HeapAllocator memory;
  std::vector<NamedTensor> tensors;
  const auto add = [&](const std::string& name, const std::vector<double>& values, int64_t rows) {
    const auto count = static_cast<int64_t>(values.size());
    const Tensor tensor = Tensor::empty(memory, Shape{rows, count / rows});
    std::transform(values.begin(), values.end(), tensor.f32(),
                   [](double value) { return static_cast<float>(value); });
    tensors.push_back({name, tensor});
  };
  for (const auto& [name, entry] : matrix.entries) {
    const auto matrices = static_cast<int64_t>(entry.counts.size());
    add(name + std::string(kSquares), entry.squares, matrices);
    add(name + std::string(kCounts), entry.counts, matrices);
  }
  write_gguf(path, metadata, tensors);
}

}  // namespace onmal
