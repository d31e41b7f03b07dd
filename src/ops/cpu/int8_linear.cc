#include "ops/cpu/int8_linear.h"

#include <algorithm>
#include <vector>

#include "kernels/select.h"
#include "ops/cpu/task_sizes.h"
#include "ops/packed_weights.h"

namespace onmal::cpu {
namespace {

using kernels::Int8Kernels;
using kernels::Int8Panel;
using kernels::Int8Rows;
using kernels::Int8Tile;
using kernels::kInt8Group;
using kernels::kInt8PanelOutputs;
using kernels::kInt8Step;

// Up to this many rows of x the weights are read as they are; with more, unpacking them pays.
constexpr int64_t kFewInt8Rows = 8;
constexpr int64_t kInt8Panels = 4;
constexpr int64_t kFewPackedRows = 16;
constexpr int64_t kInt8Groups = kernels::kInt8Stretch;  // 4 panels stay in the second-level cache

// Scratch in one piece of floats, handed out in aligned parts.
class Pieces {
 public:
  explicit Pieces(float* at) : at_(at) {}
  template <typename T>
  T* take(int64_t bytes) {
    float* here = at_;
    at_ += floats(bytes);
    return reinterpret_cast<T*>(here);
  }
  static int64_t floats(int64_t bytes) { return round_up(bytes, 64) / 4; }

 private:
  float* at_;
};

struct Rounded {
  Tensor memory;
  Int8Rows rows{};
};

Rounded round_rows(Exec& exec, const Int8Kernels& kernels, const Tensor& x) {
  const int64_t rows = x.dim(0);
  const int64_t inner = x.dim(1);
  Rounded result;
  result.rows.groups = round_up(inner / kInt8Group, kInt8Step);
  const int64_t count = rows * result.rows.groups;
  const int64_t total = Pieces::floats(count * kInt8Group) + 2 * Pieces::floats(count * 4) +
                        2 * Pieces::floats(count * 8);
  result.memory = Tensor::empty(*exec.memory, Shape{total});
  Pieces pieces(result.memory.f32());
  result.rows.values = pieces.take<int8_t>(count * kInt8Group);
  result.rows.scales = pieces.take<float>(count * 4);
  result.rows.sums = pieces.take<float>(count * 4);
  result.rows.half_sums = pieces.take<float>(count * 8);
  result.rows.totals = pieces.take<int32_t>(count * 8);
  exec.pool->for_blocks(0, rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m)
      kernels.quantize_row(x.f32() + m * inner, inner, result.rows, m);
  });
  return result;
}

void add_bias(const Tensor& bias, float* out, int64_t stride, int64_t rows, int64_t begin,
              int64_t end) {
  if (!bias.defined()) return;
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = begin; n < end; ++n) out[m * stride + n] += bias.f32()[n];
  }
}

void few_rows(Exec& exec, const Int8Kernels& kernels, const Tensor& x, const Tensor& w,
              const Tensor& bias, const Tensor& out) {
  const Rounded rounded = round_rows(exec, kernels, x);
  const int64_t outputs = w.dim(0);
  const int64_t row_bytes = w.bytes() / outputs;
  exec.pool->for_blocks(
      0, outputs, outputs_per_task(outputs, row_bytes), [&](int64_t begin, int64_t end) {
        for (int64_t m = 0; m < x.dim(0); m += kernels::kInt8MostFewRows) {
          const int64_t rows = std::min(kernels::kInt8MostFewRows, x.dim(0) - m);
          kernels.multiply_few(w.dtype(), w.data_as<std::byte>() + begin * row_bytes, end - begin,
                               w.dim(1), rounded.rows, m, rows, out.f32() + m * outputs + begin,
                               outputs);
        }
        add_bias(bias, out.f32(), outputs, x.dim(0), begin, end);
      });
}

void few_rows_packed(Exec& exec, const Int8Kernels& kernels, const Tensor& x, const Tensor& w,
                     const PackedWeights::Panels& panels, const Tensor& bias, const Tensor& out) {
  const Rounded rounded = round_rows(exec, kernels, x);
  const int64_t outputs = w.dim(0);
  const int64_t per_task =
      round_up(outputs_per_task(outputs, w.bytes() / outputs), kInt8PanelOutputs);
  exec.pool->for_blocks(0, outputs, per_task, [&](int64_t begin, int64_t end) {
    kernels.multiply_packed(w.dtype(), panels.data + begin / kInt8PanelOutputs * panels.bytes,
                            end - begin, w.dim(1), rounded.rows, 0, x.dim(0), out.f32() + begin,
                            outputs);
    add_bias(bias, out.f32(), outputs, x.dim(0), begin, end);
  });
}

// All rows of x as tiles, one behind the other.
class Tiles {
 public:
  Tiles(Exec& exec, const Int8Kernels& kernels, const Tensor& x, DType dtype)
      : tiles_(static_cast<size_t>((x.dim(0) + kernels.tile_rows - 1) / kernels.tile_rows)) {
    const Rounded rounded = round_rows(exec, kernels, x);
    const int64_t value_bytes = rounded.rows.groups * kernels.tile_group_bytes(dtype);
    const int64_t lanes = rounded.rows.groups * kernels.tile_rows;
    const int64_t floats =
        Pieces::floats(value_bytes) + 2 * Pieces::floats(lanes * 8) + Pieces::floats(lanes * 4);
    memory_ = Tensor::empty(*exec.memory, Shape{count() * floats});
    exec.pool->run(count(), [&](int64_t i, int) {
      Pieces pieces(memory_.f32() + i * floats);
      Int8Tile& tile = tiles_[static_cast<size_t>(i)];
      tile.values = pieces.take<std::byte>(value_bytes);
      tile.starts = pieces.take<int32_t>(lanes * 8);
      tile.scales = pieces.take<float>(lanes * 4);
      tile.sums = pieces.take<float>(lanes * 8);
      const int64_t row = i * kernels.tile_rows;
      kernels.pack_tile(dtype, rounded.rows, row, std::min(kernels.tile_rows, x.dim(0) - row),
                        tile);
    });
  }

  int64_t count() const { return static_cast<int64_t>(tiles_.size()); }
  const Int8Tile& at(int64_t tile) const { return tiles_[static_cast<size_t>(tile)]; }

 private:
  std::vector<Int8Tile> tiles_;  // written long before they are read, in pieces and whole
  Tensor memory_;
};

constexpr int64_t kPanelValues = 2 * kInt8Groups * kInt8Group * kInt8PanelOutputs;
constexpr int64_t kPanelScales = kInt8Groups * 2 * kInt8PanelOutputs * 4;

int64_t panel_floats() { return Pieces::floats(kPanelValues) + 2 * Pieces::floats(kPanelScales); }

Int8Panel panel_at(float* scratch, int64_t index) {
  Pieces pieces(scratch + index * panel_floats());
  Int8Panel panel{};
  panel.values = pieces.take<uint8_t>(kPanelValues);
  panel.scales = pieces.take<float>(kPanelScales);
  panel.minima = pieces.take<float>(kPanelScales);
  return panel;
}

// Outputs [begin, end) of every row.
void multiply_outputs(const Int8Kernels& kernels, const Tiles& tiles, const Tensor& w,
                      const PackedWeights::Panels& packed, const Tensor& out, int64_t begin,
                      int64_t end, float* scratch) {
  const int64_t row_bytes = w.bytes() / w.dim(0);
  const int64_t groups = w.dim(1) / kInt8Group;
  const int64_t rows = out.dim(0);
  const int64_t stride = out.dim(1);
  for (int64_t first = 0; first < groups; first += kInt8Groups) {
    const int64_t here = std::min(kInt8Groups, groups - first);
    for (int64_t n = begin; n < end; n += kInt8PanelOutputs) {
      if (packed.data != nullptr) {
        kernels.unpack_panel(w.dtype(), packed.data + n / kInt8PanelOutputs * packed.bytes,
                             w.dim(1), first, here,
                             panel_at(scratch, (n - begin) / kInt8PanelOutputs));
        continue;
      }
      kernels.pack_panel(w.dtype(), w.data_as<std::byte>() + n * row_bytes, row_bytes,
                         std::min(kInt8PanelOutputs, end - n), first, here,
                         panel_at(scratch, (n - begin) / kInt8PanelOutputs));
    }
    Int8Panel panels[kInt8Panels];
    for (int64_t i = 0; i < kInt8Panels; ++i) panels[i] = panel_at(scratch, i);
    const int64_t most_columns = kernels.tile_panels * kInt8PanelOutputs;
    for (int64_t tile = 0; tile < tiles.count(); ++tile) {
      const int64_t row = tile * kernels.tile_rows;
      for (int64_t n = begin; n < end; n += most_columns) {
        kernels.multiply(w.dtype(), tiles.at(tile), first, panels + (n - begin) / kInt8PanelOutputs,
                         here, std::min(kernels.tile_rows, rows - row),
                         std::min(most_columns, end - n), first > 0, out.f32() + row * stride + n,
                         stride);
      }
    }
  }
}

}  // namespace

bool uses_integers(const Exec& exec, const Tensor& w) {
  return exec.matmul_precision == MatmulPrecision::kInt8 && is_quantized(w.dtype()) &&
         exec.backend->kernels->int8->supports(w.dtype());
}

bool integer_rows_are_alike(const Exec& exec, const Tensor& w) {
  return exec.packed != nullptr && uses_integers(exec, w) &&
         exec.packed->find(kernels::int8(*exec.backend->kernels), w).data != nullptr;
}

void integer_linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                    const Tensor& out, RowNumber number) {
  const Int8Kernels& kernels = kernels::int8(*exec.backend->kernels);
  const PackedWeights::Panels packed =
      exec.packed == nullptr ? PackedWeights::Panels{} : exec.packed->find(kernels, w);
  if (packed.data != nullptr && x.dim(0) <= kFewPackedRows) {
    return few_rows_packed(exec, kernels, x, w, packed, bias, out);
  }
  const bool few =
      number == RowNumber::kAsCounted ? x.dim(0) <= kFewInt8Rows : number == RowNumber::kFew;
  if (few) return few_rows(exec, kernels, x, w, bias, out);
  const Tiles tiles(exec, kernels, x, w.dtype());
  const int64_t outputs = w.dim(0);
  constexpr int64_t kOutputs = kInt8Panels * kInt8PanelOutputs;
  const int64_t scratch_floats = kInt8Panels * panel_floats();
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{exec.pool->threads() * scratch_floats});
  exec.pool->run((outputs + kOutputs - 1) / kOutputs, [&](int64_t task, int thread) {
    const int64_t begin = task * kOutputs;
    const int64_t end = std::min(outputs, begin + kOutputs);
    multiply_outputs(kernels, tiles, w, packed, out, begin, end,
                     scratch.f32() + thread * scratch_floats);
    add_bias(bias, out.f32(), outputs, x.dim(0), begin, end);
  });
}

}  // namespace onmal::cpu
