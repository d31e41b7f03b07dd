#include "ops/cpu/gemm.h"

#include <algorithm>

#include "kernels/select.h"
#include "ops/backend.h"
#include "ops/cpu/task_sizes.h"

namespace onmal::cpu {
namespace {

using kernels::GemmKernels;
using kernels::GemmOperand;

constexpr int64_t kMostWords = 384;     // a left panel stays in the first-level cache
constexpr int64_t kMostColumns = 1024;  // the packed right block: 1.5 MB
constexpr int64_t kMostRows = 96;       // a task's packed left block: 144 KB
constexpr int64_t kPanelsPerTask = 4;   // of the right factor, packed together
constexpr int64_t kFewestTasks = 8;

// value cut into the fewest equal parts of at most `most`, each a multiple of step.
int64_t even_part(int64_t value, int64_t most, int64_t step) {
  const int64_t parts = std::max<int64_t>(1, (value + most - 1) / most);
  return std::max(step, round_up((value + parts - 1) / parts, step));
}

struct Block {
  int64_t column, columns;
  int64_t depth, depths;
};

struct Plan {
  int64_t m, n, k;
  const GemmOperand& a;
  const GemmOperand& b;
  const float* bias;
  float* c;
  int64_t c_stride;
  bool accumulate;
  const GemmKernels& kernels;
  int64_t row_block = 0;
  float* packed_b = nullptr;
  float* scratch = nullptr;    // per thread: packed left block and conversion buffer
  int64_t scratch_floats = 0;  // of one thread
};

void pack_right(Exec& exec, const Plan& plan, const Block& block) {
  const int64_t tile = plan.kernels.column_tile;
  const int64_t panels = (block.columns + tile - 1) / tile;
  exec.pool->run((panels + kPanelsPerTask - 1) / kPanelsPerTask, [&](int64_t task, int thread) {
    const int64_t first = task * kPanelsPerTask * tile;
    const int64_t lanes = std::min(kPanelsPerTask * tile, block.columns - first);
    plan.kernels.pack(plan.b, block.column + first, lanes, block.depth, block.depths, tile,
                      plan.packed_b + first * plan.kernels.words(block.depths),
                      plan.scratch + thread * plan.scratch_floats);
  });
}

void multiply_block(Exec& exec, const Plan& plan, const Block& block) {
  const int64_t row_blocks = (plan.m + plan.row_block - 1) / plan.row_block;
  const int64_t tile = plan.kernels.column_tile;
  const int64_t panels = (block.columns + tile - 1) / tile;
  const int64_t groups = std::clamp<int64_t>(kFewestTasks / row_blocks, 1, panels);
  const int64_t group_columns = (panels + groups - 1) / groups * tile;
  const int64_t words = plan.kernels.words(block.depths);
  const bool first_depth = block.depth == 0;
  exec.pool->run(row_blocks * groups, [&](int64_t task, int thread) {
    const int64_t row = task / groups * plan.row_block;
    const int64_t rows = std::min(plan.row_block, plan.m - row);
    const int64_t column = task % groups * group_columns;
    const int64_t columns = std::min(group_columns, block.columns - column);
    if (columns <= 0) return;
    float* packed_a = plan.scratch + thread * plan.scratch_floats;
    float* buffer = packed_a + round_up(plan.row_block, plan.kernels.row_tile) * words;
    plan.kernels.pack(plan.a, row, rows, block.depth, block.depths, plan.kernels.row_tile, packed_a,
                      buffer);
    const float* bias =
        plan.bias == nullptr || !first_depth ? nullptr : plan.bias + block.column + column;
    plan.kernels.multiply(words, rows, columns, packed_a, plan.packed_b + column * words, bias,
                          plan.c + row * plan.c_stride + block.column + column, plan.c_stride,
                          plan.accumulate || !first_depth);
  });
}

}  // namespace

void gemm(Exec& exec, int64_t m, int64_t n, int64_t k, const GemmOperand& a, const GemmOperand& b,
          const float* bias, float* c, int64_t c_stride, bool accumulate) {
  if (m == 0 || n == 0) return;
  const kernels::Table& table = *exec.backend->kernels;
  const bool bf16 = exec.matmul_precision == MatmulPrecision::kBf16;
  Plan plan{m,    n, k,        a,          b,
            bias, c, c_stride, accumulate, bf16 ? kernels::gemm_bf16(table) : *table.gemm};
  const int64_t step = plan.kernels.depth_step;
  const int64_t depths = even_part(k, kMostWords * step, 32);
  const int64_t columns = even_part(n, kMostColumns, plan.kernels.column_tile);
  const int64_t words = plan.kernels.words(depths);
  plan.row_block = even_part(m, kMostRows, plan.kernels.row_tile);
  const int64_t lanes = std::max(plan.row_block, kPanelsPerTask * plan.kernels.column_tile);
  plan.scratch_floats = round_up(plan.row_block * words + GemmKernels::scratch_floats(lanes), 16);
  const Tensor packed_b = Tensor::empty(*exec.memory, Shape{columns * words});
  const Tensor scratch =
      Tensor::empty(*exec.memory, Shape{exec.pool->threads() * plan.scratch_floats});
  plan.packed_b = packed_b.f32();
  plan.scratch = scratch.f32();
  for (int64_t column = 0; column < n; column += columns) {
    for (int64_t depth = 0; depth < std::max<int64_t>(k, 1); depth += depths) {
      const Block block{column, std::min(columns, n - column), depth, std::min(depths, k - depth)};
      pack_right(exec, plan, block);
      multiply_block(exec, plan, block);
    }
  }
}

}  // namespace onmal::cpu
