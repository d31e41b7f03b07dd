#include "quantize/quantize_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "formats/gguf_parts.h"
#include "kernels/quantize/encode.h"
#include "kernels/select.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kValuesPerTask = int64_t{1} << 16;

const kernels::ConvertKernels& convert() { return *kernels::table(detect_isa()).convert; }

void decode(DType dtype, const void* data, float* out, int64_t count) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, data, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::kF16:
      return convert().f16_to_f32(static_cast<const uint16_t*>(data), out, count);
    case DType::kBF16:
      return convert().bf16_to_f32(static_cast<const uint16_t*>(data), out, count);
    case DType::kF64:
      std::transform(static_cast<const double*>(data), static_cast<const double*>(data) + count,
                     out, [](double x) { return static_cast<float>(x); });
      return;
    default:
      return convert().quantized_to_f32(dtype, data, out, count);
  }
}

void encode(DType dtype, const float* x, const float* importance, void* out, int64_t count) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, x, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::kF16:
      return convert().f32_to_f16(x, static_cast<uint16_t*>(out), count);
    case DType::kBF16:
      return convert().f32_to_bf16(x, static_cast<uint16_t*>(out), count);
    default:
      return kernels::encode_blocks(dtype, x, importance, out, count);
  }
}

struct ErrorSums {
  double error = 0;
  double power = 0;
  double largest = 0;

  void add(const float* before, const float* after, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const auto value = static_cast<double>(before[i]);
      const double difference = static_cast<double>(after[i]) - value;
      error += difference * difference;
      power += value * value;
      largest = std::max(largest, std::abs(difference));
    }
  }
};

// Rows of `source` in the format of `target`; `importance` has a row for each matrix of a stack, or
// none.
ErrorSums convert_rows(const Tensor& source, const Tensor& target,
                       const std::vector<float>& importance, ThreadPool& pool,
                       const std::stop_token& stop) {
  const int64_t columns = source.dim(-1);
  const int64_t rows = source.shape().rows();
  const int64_t matrices = std::max<int64_t>(static_cast<int64_t>(importance.size()) / columns, 1);
  const int64_t rows_per_task = std::max<int64_t>(kValuesPerTask / columns, 1);
  const int64_t tasks = (rows + rows_per_task - 1) / rows_per_task;
  const int64_t source_bytes = source.bytes() / rows;
  const int64_t target_bytes = target.bytes() / rows;
  std::vector<ErrorSums> sums(static_cast<size_t>(tasks));
  pool.run(tasks, [&](int64_t task, int) {
    if (stop.stop_requested()) return;
    std::vector<float> before(static_cast<size_t>(columns));
    std::vector<float> after(static_cast<size_t>(columns));
    const int64_t end = std::min(rows, (task + 1) * rows_per_task);
    for (int64_t row = task * rows_per_task; row < end; ++row) {
      const float* weights =
          importance.empty() ? nullptr : importance.data() + row / (rows / matrices) * columns;
      std::byte* place = target.data_as<std::byte>() + row * target_bytes;
      decode(source.dtype(), source.data_as<std::byte>() + row * source_bytes, before.data(),
             columns);
      encode(target.dtype(), before.data(), weights, place, columns);
      decode(target.dtype(), place, after.data(), columns);
      sums[static_cast<size_t>(task)].add(before.data(), after.data(), columns);
    }
  });
  ErrorSums total;
  for (const ErrorSums& part : sums) {
    total.error += part.error;
    total.power += part.power;
    total.largest = std::max(total.largest, part.largest);
  }
  return total;
}

class Quantizer {
 public:
  Quantizer(const GgufParts& file, const QuantizeOptions& options, const std::string& where)
      : file_(file), options_(options), where_(where) {
    const Metadata& metadata = file.metadata();
    const std::string prefix = metadata.get_string("general.architecture") + ".";
    layers_ = std::max<int64_t>(whole(metadata, prefix + "block_count"), 1);
    const int64_t heads = whole(metadata, prefix + "attention.head_count");
    const int64_t kv_heads = whole(metadata, prefix + "attention.head_count_kv");
    shared_keys_ = kv_heads > 0 && heads / kv_heads >= 4;
    tied_ = std::none_of(file.entries().begin(), file.entries().end(),
                         [](const TensorEntry& entry) { return entry.name == "output.weight"; });
  }

  QuantizedTensor plan(const TensorEntry& entry) const {
    const Tensor tensor = file_.tensor(entry.name);
    QuantizedTensor result;
    result.name = entry.name;
    result.elements = tensor.elements();
    result.from = result.to = result.wanted = tensor.dtype();
    const TensorRole role = tensor_role(entry.name, tensor.shape().rank(), tied_);
    if (role == TensorRole::kKept || tensor.dtype() == DType::kI32) return result;
    const TensorPlace place = {role, layer_of(entry.name), layers_, shared_keys_,
                               options_.importance != nullptr};
    result.wanted = choose_format(*options_.recipe, place, options_.pure);
    result.to = fitting_format(result.wanted, tensor.dim(-1));
    result.weighted = is_quantized(result.to) && find_importance(entry.name) != nullptr;
    return result;
  }

  // The tensor as planned, its errors noted in `result`.
  Tensor make(QuantizedTensor& result, Allocator& memory, ThreadPool& pool,
              const std::stop_token& stop) const {
    const Tensor source = file_.tensor(result.name);
    if (result.from == result.to) return source;
    const Tensor target = Tensor::empty(memory, source.shape(), result.to);
    if (source.elements() == 0) return target;
    const ErrorSums sums = convert_rows(source, target, importance_of(result, source), pool, stop);
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, where_, "stopped; nothing was written");
    }
    if (!std::isfinite(sums.error)) {
      throw Error(ErrorCode::kNumeric, where_,
                  "'" + result.name + "' holds values that are not finite or too large for " +
                      std::string(dtype_info(result.to).name),
                  "check the model, or keep it in f32 or bf16");
    }
    result.relative_error = sums.power > 0 ? std::sqrt(sums.error / sums.power) : 0;
    result.largest_error = sums.largest;
    return target;
  }

  Metadata metadata() const {
    Metadata metadata = file_.metadata();
    metadata.set("general.quantization_version", int64_t{2});
    metadata.set("general.file_type", options_.recipe->file_type);
    if (const ImportanceMatrix* matrix = options_.importance; matrix != nullptr) {
      metadata.set("quantize.imatrix.file", options_.importance_name);
      if (!matrix->datasets.empty()) {
        metadata.set("quantize.imatrix.dataset", matrix->datasets.front());
      }
      metadata.set("quantize.imatrix.entries_count", static_cast<int64_t>(matrix->entries.size()));
      metadata.set("quantize.imatrix.chunks_count", matrix->chunks);
    }
    return metadata;
  }

 private:
  // An integer, or 0 where there is none (some models have one for each layer).
  static int64_t whole(const Metadata& metadata, const std::string& key) {
    const MetadataValue* value = metadata.find(key);
    const auto* number = value == nullptr ? nullptr : std::get_if<int64_t>(value);
    return number == nullptr ? 0 : std::max<int64_t>(*number, 0);
  }

  static int64_t layer_of(std::string_view name) {
    constexpr std::string_view kPrefix = "blk.";
    if (name.starts_with("enc.") || name.starts_with("dec.")) name.remove_prefix(4);
    if (!name.starts_with(kPrefix)) return 0;
    int64_t layer = 0;
    for (const char c : name.substr(kPrefix.size())) {
      if (c < '0' || c > '9' || layer > 1000000) break;
      layer = 10 * layer + (c - '0');
    }
    return layer;
  }

  const ImportanceEntry* find_importance(const std::string& name) const {
    if (options_.importance == nullptr) return nullptr;
    const auto found = options_.importance->entries.find(name);
    return found == options_.importance->entries.end() ? nullptr : &found->second;
  }

  std::vector<float> importance_of(const QuantizedTensor& result, const Tensor& source) const {
    const ImportanceEntry* entry = find_importance(result.name);
    if (entry == nullptr || !result.weighted) return {};
    const int64_t columns = source.dim(-1);
    const auto values = static_cast<int64_t>(entry->squares.size());
    const auto matrices = static_cast<int64_t>(entry->counts.size());
    if (values != matrices * columns || source.shape().rows() % matrices != 0) {
      throw Error(ErrorCode::kBadFile, options_.importance_name,
                  "has " + std::to_string(values) + " values for '" + result.name +
                      "', whose rows have " + std::to_string(columns),
                  "use the importance matrix of this model");
    }
    return entry->means();
  }

  const GgufParts& file_;
  const QuantizeOptions& options_;
  const std::string& where_;
  int64_t layers_ = 1;
  bool shared_keys_ = false;
  bool tied_ = false;
};

}  // namespace

std::vector<QuantizedTensor> quantize_gguf(
    const std::filesystem::path& input, const std::filesystem::path& output,
    const QuantizeOptions& options, ThreadPool& pool,
    FunctionRef<void(const QuantizedTensor&, size_t tensors)> progress,
    const std::stop_token& stop) {
  const std::string where = input.string();
  const GgufParts file(input);
  const Quantizer quantizer(file, options, where);
  std::vector<QuantizedTensor> results;
  std::vector<TensorPlan> plans;
  for (const TensorEntry& entry : file.entries()) {
    results.push_back(quantizer.plan(entry));
    plans.push_back({entry.name, file.tensor(entry.name).shape(), results.back().to});
  }
  if (options.importance != nullptr &&
      std::none_of(results.begin(), results.end(), [](const auto& r) { return r.weighted; }) &&
      is_quantized(options.recipe->dtype)) {
    throw Error(ErrorCode::kBadFile, options.importance_name, "names none of this model's matrices",
                "use the importance matrix of this model");
  }
  GgufWriter writer(output, quantizer.metadata(), std::move(plans));
  for (QuantizedTensor& result : results) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, where, "stopped; nothing was written");
    }
    HeapAllocator memory;
    writer.add(quantizer.make(result, memory, pool, stop));
    file.forget(result.name);
    progress(result, results.size());
  }
  writer.commit();
  return results;
}

}  // namespace onmal
