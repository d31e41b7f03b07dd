#include "ops/cpu/attention_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace onmal::cpu {
namespace {

using kernels::AttentionHead;

constexpr int64_t kStretch = kPageTokens;  // positions of a task
constexpr int64_t kFewestTogether = 3;  // heads of a group for which turning the keys around pays
constexpr int64_t kRowsPerTask = 16;

struct Range {
  int64_t begin, end;
};

// One segment within the whole.
struct Piece {
  PagedSegment segment;    // without pages: position p stands in row p
  int64_t window;          // 0: none
  int64_t first_query;     // of its queries among all
  int64_t first_stretch;   // that any of them sees
  int64_t stretches;       // from there on
  int64_t tasks_before;    // of all pieces before it, in stretches
  int64_t results_before;  // parts of stretches of all pieces before it, in rows (queries x heads)

  // Positions of a stretch that a query of the piece sees.
  Range visible(int64_t query, int64_t stretch) const {
    const int64_t position = segment.first + query;
    const int64_t lowest = window > 0 ? position - window + 1 : 0;
    const int64_t start = (first_stretch + stretch) * kStretch;
    return {std::max(start, lowest), std::min(start + kStretch, position + 1)};
  }
  // Row of the cache where a stretch begins.
  int64_t row_of(int64_t stretch) const {
    const int64_t index = first_stretch + stretch;
    return (segment.pages.empty() ? index : segment.pages[static_cast<size_t>(index)]) * kStretch;
  }
};

// What all tasks share. Parts of a stretch: results [T * H, E] and log sums [T * H].
struct Problem {
  Exec& exec;
  const Tensor& q;
  const Tensor& k;
  const Tensor& v;
  const AttentionParams& params;
  const Tensor& out;
  std::span<const Piece> pieces;
  float* parts;
  float* log_sums;

  int64_t heads() const { return q.dim(2); }
  int64_t value_dim() const { return v.dim(3); }
  // Of a stretch of a piece, for its first query and head; a lone stretch's is the result.
  int64_t part(const Piece& piece, int64_t stretch) const {
    return piece.results_before + stretch * piece.segment.count * heads();
  }
  float* results(const Piece& piece, int64_t stretch) const {
    if (piece.stretches == 1) return out.f32() + piece.first_query * heads() * value_dim();
    return parts + part(piece, stretch) * value_dim();
  }
  const Piece& piece_of_task(int64_t stretch) const {
    const auto behind =
        std::upper_bound(pieces.begin(), pieces.end(), stretch,
                         [](int64_t value, const Piece& p) { return value < p.tasks_before; });
    return *(behind - 1);
  }
  const Piece& piece_of_query(int64_t query) const {
    const auto behind =
        std::upper_bound(pieces.begin(), pieces.end(), query,
                         [](int64_t value, const Piece& p) { return value < p.first_query; });
    return *(behind - 1);
  }
};

struct Rows {
  const float* data;
  int64_t stride;
};

// One head of rows [begin, end) as floats: in place, or widened into `room`.
Rows rows_of(const Problem& p, const Tensor& cache, int64_t head, int64_t begin, int64_t end,
             float* room) {
  const int64_t dim = cache.dim(3);
  const int64_t width = cache.dim(2) * dim;
  if (cache.dtype() == DType::kF32) return {cache.f32() + begin * width + head * dim, width};
  for (int64_t s = begin; s < end; ++s) {
    widen(*p.exec.backend->kernels->convert, cache, s * width + head * dim, dim,
          room + (s - begin) * dim);
  }
  return {room, dim};
}

// All query heads of one key/value head over one stretch.
void attend(const Problem& p, const Piece& piece, int64_t group, int64_t stretch, float* scratch) {
  const int64_t together = p.heads() / p.k.dim(2);
  const int64_t start = (piece.first_stretch + stretch) * kStretch;
  const int64_t count = std::min(kStretch, piece.segment.first + piece.segment.count - start);
  const int64_t begin = piece.row_of(stretch);
  float* key_room = scratch;
  float* value_room = key_room + kStretch * p.k.dim(3);
  float* kernel_scratch = value_room + kStretch * p.value_dim();
  const Rows keys = rows_of(p, p.k, group, begin, begin + count, key_room);
  const Rows values = rows_of(p, p.v, group, begin, begin + count, value_room);
  const kernels::AttentionKernels& kernels = *p.exec.backend->kernels->attention;
  for (int64_t t = 0; t < piece.segment.count; ++t) {
    const Range range = piece.visible(t, stretch);
    if (range.begin >= range.end) continue;
    const int64_t row = t * p.heads() + group * together;
    // The heads of the group are the kernel's queries: all see the same keys.
    AttentionHead head{};
    head.q = p.q.f32() + (piece.first_query * p.heads() + row) * p.q.dim(3);
    head.k = keys.data + (range.begin - start) * keys.stride;
    head.v = values.data + (range.begin - start) * values.stride;
    head.out = p.results(piece, stretch) + row * p.value_dim();
    head.log_sums = p.log_sums + p.part(piece, stretch) + row;
    head.q_stride = p.q.dim(3);
    head.k_stride = keys.stride;
    head.v_stride = values.stride;
    head.out_stride = p.value_dim();
    head.queries = together;
    head.keys = range.end - range.begin;
    head.head_dim = p.q.dim(3);
    head.value_dim = p.value_dim();
    head.scale = p.params.scale;
    head.softcap = p.params.softcap;
    const auto run = together < kFewestTogether ? kernels.forward_few : kernels.forward;
    for (int64_t first = 0; first < together; first += kernels::kAttentionQueryBlock) {
      run(head, first, std::min(together, first + kernels::kAttentionQueryBlock), kernel_scratch);
    }
  }
}

// The stretches' results weighed by their softmax denominators; `row` of query and head among all.
void join_row(const Problem& p, int64_t row, float* out) {
  const Piece& piece = p.piece_of_query(row / p.heads());
  if (piece.stretches == 1) return;
  const int64_t own = row - piece.first_query * p.heads();
  const auto seen = [&](int64_t stretch) {
    const Range range = piece.visible(own / p.heads(), stretch);
    return range.begin < range.end;
  };
  const auto log_sum = [&](int64_t stretch) { return p.log_sums[p.part(piece, stretch) + own]; };
  float largest = -INFINITY;
  for (int64_t s = 0; s < piece.stretches; ++s) {
    if (seen(s)) largest = std::max(largest, log_sum(s));
  }
  const kernels::ElementwiseKernels& kernels = *p.exec.backend->kernels->elementwise;
  std::fill_n(out, p.value_dim(), 0.0F);
  float total = 0.0F;
  for (int64_t s = 0; s < piece.stretches; ++s) {
    if (!seen(s)) continue;
    const float weight = std::exp(log_sum(s) - largest);
    kernels.axpy(weight, p.results(piece, s) + own * p.value_dim(), out, p.value_dim());
    total += weight;
  }
  kernels.scale(1.0F / total, out, out, p.value_dim());
}

// The pieces of the segments, of which some may be without pages.
std::span<const Piece> cut(std::span<const PagedSegment> segments, int64_t window, int64_t heads,
                           Piece* pieces) {
  Piece next{};
  for (size_t i = 0; i < segments.size(); ++i) {
    next.segment = segments[i];
    next.window = window;
    const int64_t lowest = window > 0 ? std::max<int64_t>(0, segments[i].first - window + 1) : 0;
    next.first_stretch = lowest / kStretch;
    next.stretches =
        (segments[i].first + segments[i].count - 1) / kStretch + 1 - next.first_stretch;
    pieces[i] = next;
    next.first_query += segments[i].count;
    next.tasks_before += next.stretches;
    next.results_before += next.stretches * segments[i].count * heads;
  }
  return {pieces, segments.size()};
}

}  // namespace

void widen(const kernels::ConvertKernels& kernels, const Tensor& tensor, int64_t begin,
           int64_t count, float* out) {
  const std::byte* place = tensor.data_as<std::byte>() + dtype_bytes(tensor.dtype(), begin);
  switch (tensor.dtype()) {
    case DType::kF32:
      std::copy_n(tensor.f32() + begin, count, out);
      return;
    case DType::kF16:
      return kernels.f16_to_f32(reinterpret_cast<const uint16_t*>(place), out, count);
    default:
      ONMAL_ASSERT(tensor.dtype() == DType::kQ8_0);
      kernels.q8_0_to_f32(reinterpret_cast<const BlockQ8_0*>(place), out, count);
  }
}

void attention_over_pages(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                          std::span<const PagedSegment> segments, const AttentionParams& params,
                          const Tensor& out) {
  static_assert(sizeof(Piece) % sizeof(double) == 0);
  const auto piece_words = static_cast<int64_t>(segments.size() * sizeof(Piece) / sizeof(double));
  const Tensor piece_room = Tensor::empty(*exec.memory, Shape{piece_words}, DType::kF64);
  const std::span<const Piece> pieces =
      cut(segments, params.window, q.dim(2), piece_room.data_as<Piece>());
  const Piece& last = pieces.back();
  const int64_t stretches = last.tasks_before + last.stretches;
  const int64_t results = last.results_before + last.stretches * last.segment.count * q.dim(2);
  // Room for a power of two of them: a growing cache then seldom asks for more.
  const auto room = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(results)));
  const bool joins = stretches > static_cast<int64_t>(pieces.size());
  const Tensor log_sums = Tensor::empty(*exec.memory, Shape{room});
  const Tensor parts = joins ? Tensor::empty(*exec.memory, Shape{room, values.dim(3)}) : out;
  const int64_t floats =
      kStretch * (keys.dim(3) + values.dim(3)) +
      exec.backend->kernels->attention->scratch_floats(keys.dim(3), values.dim(3), kStretch);
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{exec.pool->threads(), floats});
  const Problem problem{exec, q, keys, values, params, out, pieces, parts.f32(), log_sums.f32()};
  const int64_t groups = keys.dim(2);
  exec.pool->run(stretches * groups, [&](int64_t task, int thread) {
    const Piece& piece = problem.piece_of_task(task / groups);
    attend(problem, piece, task % groups, task / groups - piece.tasks_before,
           scratch.f32() + thread * floats);
  });
  if (!joins) return;
  exec.pool->for_blocks(0, q.dim(1) * q.dim(2), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      join_row(problem, row, out.f32() + row * values.dim(3));
  });
}

void attention_over_cache(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionParams& params, const Tensor& out) {
  const PagedSegment whole{{}, params.first_position, q.dim(1)};
  attention_over_pages(exec, q, k, v, std::span(&whole, 1), params, out);
}

}  // namespace onmal::cpu
