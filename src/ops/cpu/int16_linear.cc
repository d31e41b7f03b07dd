#include "ops/cpu/int16_linear.h"

#include <algorithm>

#include "kernels/select.h"

namespace onmal::cpu {
namespace {

using kernels::Int16Kernels;
using kernels::Int16Lanes;
using kernels::kInt16Group;
using kernels::kInt16PanelOutputs;

constexpr int64_t kInt16Groups = 32;  // a tile's part stays in the first-level cache: 24 KB
constexpr int64_t kInt16Panels = 4;   // theirs in the second-level one: 136 KB

// Pieces of kInt16Groups groups of `lanes` rows, values before scales.
int64_t piece_floats(int64_t lanes) { return kInt16Groups * lanes * (kInt16Group / 2 + 1); }

Int16Lanes piece_at(float* memory, int64_t lanes, int64_t index) {
  float* place = memory + index * piece_floats(lanes);
  return {reinterpret_cast<int16_t*>(place), place + kInt16Groups * lanes * (kInt16Group / 2)};
}

struct Int16Problem {
  const Int16Kernels& kernels;
  const Tensor& x;
  const Tensor& w;
  const Tensor& out;
  float* tiles;  // [tiles, pieces]

  int64_t rows() const { return x.dim(0); }
  int64_t outputs() const { return w.dim(0); }
  int64_t inner() const { return w.dim(1); }
  int64_t tiles_count() const { return (rows() + kernels.tile_rows - 1) / kernels.tile_rows; }
  int64_t pieces() const { return (inner() / kInt16Group + kInt16Groups - 1) / kInt16Groups; }
  int64_t groups_of(int64_t piece) const {
    return std::min(kInt16Groups, inner() / kInt16Group - piece * kInt16Groups);
  }
  int64_t rows_of(int64_t tile) const {
    return std::min(kernels.tile_rows, rows() - tile * kernels.tile_rows);
  }
  Int16Lanes tile_piece(int64_t tile, int64_t piece) const {
    return piece_at(tiles, kernels.tile_rows, tile * pieces() + piece);
  }
};

void pack_tile(const Int16Problem& p, int64_t tile) {
  const float* row = p.x.f32() + tile * p.kernels.tile_rows * p.inner();
  for (int64_t piece = 0; piece < p.pieces(); ++piece) {
    p.kernels.pack_tile(row + piece * kInt16Groups * kInt16Group, p.inner(), p.rows_of(tile),
                        p.groups_of(piece), p.tile_piece(tile, piece));
  }
}

// Outputs [begin, end) of every row.
void multiply_outputs(const Int16Problem& p, int64_t begin, int64_t end, float* scratch) {
  const auto* weights = p.w.data_as<uint16_t>();
  for (int64_t piece = 0; piece < p.pieces(); ++piece) {
    const int64_t groups = p.groups_of(piece);
    for (int64_t n = begin; n < end; n += kInt16PanelOutputs) {
      p.kernels.pack_panel(p.w.dtype(),
                           weights + n * p.inner() + piece * kInt16Groups * kInt16Group, p.inner(),
                           std::min(kInt16PanelOutputs, end - n), groups,
                           piece_at(scratch, kInt16PanelOutputs, (n - begin) / kInt16PanelOutputs));
    }
    for (int64_t tile = 0; tile < p.tiles_count(); ++tile) {
      const Int16Lanes left = p.tile_piece(tile, piece);
      float* out = p.out.f32() + tile * p.kernels.tile_rows * p.outputs();
      for (int64_t n = begin; n < end; n += kInt16PanelOutputs) {
        p.kernels.multiply(left,
                           piece_at(scratch, kInt16PanelOutputs, (n - begin) / kInt16PanelOutputs),
                           groups, p.rows_of(tile), std::min(kInt16PanelOutputs, end - n),
                           piece > 0, out + n, p.outputs());
      }
    }
  }
}

void add_bias(const Int16Problem& p, const Tensor& bias, int64_t begin, int64_t end) {
  if (!bias.defined()) return;
  for (int64_t m = 0; m < p.rows(); ++m) {
    for (int64_t n = begin; n < end; ++n) p.out.f32()[m * p.outputs() + n] += bias.f32()[n];
  }
}

}  // namespace

bool uses_wide_integers(const Exec& exec, const Tensor& w) {
  return exec.matmul_precision == MatmulPrecision::kInt8 && exec.tape == nullptr &&
         (w.dtype() == DType::kF16 || w.dtype() == DType::kBF16) && w.dim(1) > 0 &&
         w.dim(1) % kInt16Group == 0 && kernels::int16(*exec.backend->kernels) != nullptr;
}

void wide_integer_linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                         const Tensor& out) {
  Int16Problem problem{*kernels::int16(*exec.backend->kernels), x, w, out, nullptr};
  const int64_t tile_floats = problem.pieces() * piece_floats(problem.kernels.tile_rows);
  const Tensor tiles = Tensor::empty(*exec.memory, Shape{problem.tiles_count() * tile_floats});
  problem.tiles = tiles.f32();
  exec.pool->run(problem.tiles_count(), [&](int64_t tile, int) { pack_tile(problem, tile); });
  constexpr int64_t kOutputs = kInt16Panels * kInt16PanelOutputs;
  const int64_t scratch_floats = kInt16Panels * piece_floats(kInt16PanelOutputs);
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{exec.pool->threads() * scratch_floats});
  exec.pool->run((problem.outputs() + kOutputs - 1) / kOutputs, [&](int64_t task, int thread) {
    const int64_t begin = task * kOutputs;
    const int64_t end = std::min(problem.outputs(), begin + kOutputs);
    multiply_outputs(problem, begin, end, scratch.f32() + thread * scratch_floats);
    add_bias(problem, bias, begin, end);
  });
}

}  // namespace onmal::cpu
