#include "kernels/attention.h"

#include "kernels/vector/tile_product.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

constexpr int64_t kQ = kAttentionQueryBlock;
constexpr int64_t kK = kAttentionKeyBlock;
constexpr float kMasked = -1e30F;

ONMAL_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
ONMAL_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Keys [begin, end) that a query sees.
struct Range {
  int64_t begin, end;
};

ONMAL_INLINE Range visible(const AttentionHead& head, int64_t query) {
  const int64_t position = head.first_position + query;
  int64_t begin = head.first_keys == nullptr ? 0 : head.first_keys[query];
  if (head.window > 0) begin = larger(begin, position - head.window + 1);
  int64_t end = head.causal ? smaller(position + 1, head.keys) : head.keys;
  if (head.key_ends != nullptr) end = smaller(end, head.key_ends[query]);
  return {larger(begin, 0), end};
}

Range visible_to_any(const AttentionHead& head, int64_t first, int64_t last) {
  Range all = visible(head, first);
  for (int64_t query = first + 1; query < last; ++query) {
    const Range one = visible(head, query);
    all.begin = smaller(all.begin, one.begin);
    all.end = larger(all.end, one.end);
  }
  return all;
}

// rows [count, dim] turned into columns out[dim][kK]; missing columns are zero.
void transpose_block(const float* rows, int64_t stride, int64_t count, int64_t dim, float* out) {
  for (int64_t d = 0; d < dim; ++d) {
    for (int64_t j = count; j < kK; ++j) out[d * kK + j] = 0.0F;
  }
  int64_t j = 0;
  for (; j + 4 <= count; j += 4) {
    const float* r0 = rows + j * stride;
    const float* r1 = r0 + stride;
    const float* r2 = r1 + stride;
    const float* r3 = r2 + stride;
    for (int64_t d = 0; d < dim; ++d) {
      float* target = out + d * kK + j;
      target[0] = r0[d];
      target[1] = r1[d];
      target[2] = r2[d];
      target[3] = r3[d];
    }
  }
  for (; j < count; ++j) {
    for (int64_t d = 0; d < dim; ++d) out[d * kK + j] = rows[j * stride + d];
  }
}

// scores[rows][kK] = softcap(scale * q · k^T) for one tile of keys already transposed.
void raw_scores(const AttentionHead& head, int64_t query, int64_t rows,
                const float* keys_transposed, float* scores) {
  tile_product({head.head_dim, head.q + query * head.q_stride, head.q_stride, 1, keys_transposed,
                kK, scores, kK, false},
               rows, kK);
  const Vec scale = Vec::all(head.scale);
  if (head.softcap > 0.0F) {
    const Vec cap = Vec::all(head.softcap);
    const Vec inverse = Vec::all(head.scale / head.softcap);
    for (int64_t i = 0; i < rows * kK; i += Vec::kWidth)
      (cap * tanh(inverse * Vec::load(scores + i))).store(scores + i);
  } else {
    for (int64_t i = 0; i < rows * kK; i += Vec::kWidth)
      (scale * Vec::load(scores + i)).store(scores + i);
  }
}

ONMAL_INLINE int64_t bias_entry(const AttentionHead& head, int64_t distance) {
  return smaller(larger(distance + head.distances / 2, 0), head.distances - 1);
}

// The distance of the first key of a tile from its last query: the smallest one in the tile.
ONMAL_INLINE int64_t smallest_distance(const AttentionHead& head, int64_t query, int64_t rows,
                                       int64_t start) {
  return start - (head.first_position + query + rows - 1);
}

// Adds the bias to a tile of scores: a window of the table, which each row enters one entry later
// than the row below.
void add_bias(const AttentionHead& head, int64_t query, int64_t rows, int64_t start,
              float* scores) {
  float window[kQ + kK];
  const int64_t smallest = smallest_distance(head, query, rows, start);
  for (int64_t i = 0; i < rows + kK; ++i) window[i] = head.bias[bias_entry(head, smallest + i)];
  for (int64_t r = 0; r < rows; ++r) {
    const float* biases = window + rows - 1 - r;
    float* row = scores + r * kK;
    for (int64_t j = 0; j < kK; j += Vec::kWidth)
      (Vec::load(row + j) + Vec::load(biases + j)).store(row + j);
  }
}

// The vjp of add_bias for slopes = scale * d(loss)/d(score).
void add_bias_gradient(const AttentionHead& head, int64_t query, int64_t rows, int64_t start,
                       const float* slopes, float* dbias) {
  float window[kQ + kK];
  for (int64_t i = 0; i < rows + kK; ++i) window[i] = 0.0F;
  const Vec unscale = Vec::all(1.0F / head.scale);
  for (int64_t r = 0; r < rows; ++r) {
    float* sums = window + rows - 1 - r;
    for (int64_t j = 0; j < kK; j += Vec::kWidth)
      Vec::fma(unscale, Vec::load(slopes + r * kK + j), Vec::load(sums + j)).store(sums + j);
  }
  const int64_t smallest = smallest_distance(head, query, rows, start);
  for (int64_t i = 0; i < rows + kK; ++i) dbias[bias_entry(head, smallest + i)] += window[i];
}

// Columns of a tile that starts at key `start` which `query` sees, as [begin, end) within the tile.
ONMAL_INLINE Range columns_of(const AttentionHead& head, int64_t query, int64_t start) {
  const Range range = visible(head, query);
  return {smaller(larger(range.begin - start, 0), kK), larger(smaller(range.end - start, kK), 0)};
}

struct RunningSoftmax {
  float largest[kQ];
  float sums[kQ];
};

// Turns one row of scores into e^(score - largest so far) and rescales what was summed before.
void soften_row(float* scores, Range columns, int64_t row, RunningSoftmax& state, float* out,
                int64_t value_dim) {
  for (int64_t j = 0; j < columns.begin; ++j) scores[j] = kMasked;
  for (int64_t j = columns.end; j < kK; ++j) scores[j] = kMasked;
  if (columns.begin >= columns.end) {
    for (int64_t j = 0; j < kK; ++j) scores[j] = 0.0F;
    return;
  }
  Vec tile_largest = Vec::load(scores);
  for (int64_t j = Vec::kWidth; j < kK; j += Vec::kWidth)
    tile_largest = Vec::max(tile_largest, Vec::load(scores + j));
  const float before = state.largest[row];
  const float here = tile_largest.largest();
  const float now = here > before ? here : before;
  const Vec nows = Vec::all(now);
  Vec sum = Vec::zero();
  for (int64_t j = 0; j < kK; j += Vec::kWidth) {
    const Vec p = exp(Vec::load(scores + j) - nows);
    p.store(scores + j);
    sum = sum + p;
  }
  float rescale = 1.0F;
  if (now > before) {
    rescale = before <= kMasked ? 0.0F : __builtin_expf(before - now);
    for (int64_t e = 0; e < value_dim; ++e) out[e] *= rescale;
  }
  state.largest[row] = now;
  state.sums[row] = state.sums[row] * rescale + sum.sum();
}

int64_t scratch_floats(int64_t head_dim, int64_t value_dim, int64_t keys) {
  const int64_t tiles = kK * (head_dim + value_dim) + 2 * kQ * kK + kQ;
  return larger(tiles, keys) + 64;
}

void forward(const AttentionHead& head, int64_t begin, int64_t end, float* scratch) {
  float* keys_transposed = scratch;
  float* scores = scratch + kK * head.head_dim;
  const int64_t rows = end - begin;
  RunningSoftmax state;
  for (int64_t r = 0; r < rows; ++r) {
    state.largest[r] = kMasked;
    state.sums[r] = 0.0F;
    float* out = head.out + (begin + r) * head.out_stride;
    for (int64_t e = 0; e < head.value_dim; ++e) out[e] = 0.0F;
  }
  const Range range = visible_to_any(head, begin, end);
  for (int64_t start = range.begin / kK * kK; start < range.end; start += kK) {
    const int64_t count = smaller(kK, range.end - start);
    transpose_block(head.k + start * head.k_stride, head.k_stride, count, head.head_dim,
                    keys_transposed);
    raw_scores(head, begin, rows, keys_transposed, scores);
    if (head.bias != nullptr) add_bias(head, begin, rows, start, scores);
    for (int64_t r = 0; r < rows; ++r) {
      soften_row(scores + r * kK, columns_of(head, begin + r, start), r, state,
                 head.out + (begin + r) * head.out_stride, head.value_dim);
    }
    tile_product({count, scores, kK, 1, head.v + start * head.v_stride, head.v_stride,
                  head.out + begin * head.out_stride, head.out_stride, true},
                 rows, head.value_dim);
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* out = head.out + (begin + r) * head.out_stride;
    const float inverse = 1.0F / state.sums[r];
    for (int64_t e = 0; e < head.value_dim; ++e) out[e] *= inverse;
    if (head.log_sums != nullptr)
      head.log_sums[begin + r] = state.largest[r] + __builtin_logf(state.sums[r]);
  }
}

ONMAL_INLINE float dot(const float* a, const float* b, int64_t count) {
  Vec sum = Vec::zero();
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth)
    sum = Vec::fma(Vec::load(a + i), Vec::load(b + i), sum);
  float total = sum.sum();
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

// e^(score - largest) of all visible keys into scores; returns their sum.
float soften_all(const AttentionHead& head, int64_t query, Range range, float* scores,
                 float* largest_out) {
  const float* q = head.q + query * head.q_stride;
  float largest = kMasked;
  for (int64_t j = range.begin; j < range.end; ++j) {
    float score = head.scale * dot(q, head.k + j * head.k_stride, head.head_dim);
    if (head.softcap > 0.0F) score = head.softcap * __builtin_tanhf(score / head.softcap);
    if (head.bias != nullptr) score += head.bias[bias_entry(head, j - head.first_position - query)];
    scores[j - range.begin] = score;
    largest = score > largest ? score : largest;
  }
  const int64_t count = range.end - range.begin;
  const Vec largests = Vec::all(largest);
  Vec sums = Vec::zero();
  int64_t j = 0;
  for (; j + Vec::kWidth <= count; j += Vec::kWidth) {
    const Vec p = exp(Vec::load(scores + j) - largests);
    p.store(scores + j);
    sums = sums + p;
  }
  float sum = sums.sum();
  for (; j < count; ++j) {
    scores[j] = __builtin_expf(scores[j] - largest);
    sum += scores[j];
  }
  *largest_out = largest;
  return sum;
}

void forward_few(const AttentionHead& head, int64_t begin, int64_t end, float* scratch) {
  for (int64_t query = begin; query < end; ++query) {
    const Range range = visible(head, query);
    float largest = 0.0F;
    const float sum = soften_all(head, query, range, scratch, &largest);
    float* out = head.out + query * head.out_stride;
    tile_product({range.end - range.begin, scratch, 0, 1, head.v + range.begin * head.v_stride,
                  head.v_stride, out, head.out_stride, false},
                 1, head.value_dim);
    const float inverse = 1.0F / sum;
    for (int64_t e = 0; e < head.value_dim; ++e) out[e] *= inverse;
    if (head.log_sums != nullptr) head.log_sums[query] = largest + __builtin_logf(sum);
  }
}

struct BackwardTile {
  int64_t query, rows;
  int64_t start, count;
  float* probabilities;  // [rows][kK]
  float* slopes;         // [rows][kK]: first dP, then dS
  const float* deltas;   // [rows]: dout · out
};

// From raw scores and dP = dout · v^T to probabilities and dS = scale * P * (dP - delta) (*
// softcap's slope).
void differentiate(const AttentionHead& head, const BackwardTile& tile) {
  const Vec scale = Vec::all(head.scale);
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* p = tile.probabilities + r * kK;
    float* s = tile.slopes + r * kK;
    const Range columns = columns_of(head, tile.query + r, tile.start);
    for (int64_t j = 0; j < columns.begin; ++j) p[j] = kMasked;
    for (int64_t j = columns.end > columns.begin ? columns.end : columns.begin; j < kK; ++j)
      p[j] = kMasked;
    const Vec log_sum = Vec::all(head.log_sums[tile.query + r]);
    const Vec delta = Vec::all(tile.deltas[r]);
    for (int64_t j = 0; j < kK; j += Vec::kWidth) {
      const Vec score = Vec::load(p + j);
      const Vec probability = exp(score - log_sum);
      Vec slope = scale * probability * (Vec::load(s + j) - delta);
      if (head.softcap > 0.0F) {
        const Vec bent = score * Vec::all(1.0F / head.softcap);
        const Vec bend = Vec::all(1.0F) - bent * bent;
        slope = Vec::select_less(Vec::all(0.5F * kMasked), score, slope * bend, Vec::zero());
      }
      probability.store(p + j);
      slope.store(s + j);
    }
  }
}

void backward_tile(const AttentionHead& head, const AttentionGradients& g, const BackwardTile& tile,
                   const float* keys_transposed, const float* values_transposed) {
  raw_scores(head, tile.query, tile.rows, keys_transposed, tile.probabilities);
  if (head.bias != nullptr) add_bias(head, tile.query, tile.rows, tile.start, tile.probabilities);
  const float* dout = g.dout + tile.query * head.out_stride;
  tile_product(
      {head.value_dim, dout, head.out_stride, 1, values_transposed, kK, tile.slopes, kK, false},
      tile.rows, kK);
  differentiate(head, tile);
  if (g.dbias != nullptr)
    add_bias_gradient(head, tile.query, tile.rows, tile.start, tile.slopes, g.dbias);
  // dv += P^T · dout, dk += dS^T · q, dq += dS · k
  tile_product({tile.rows, tile.probabilities, 1, kK, dout, head.out_stride,
                g.dv + tile.start * head.v_stride, head.v_stride, true},
               tile.count, head.value_dim);
  tile_product({tile.rows, tile.slopes, 1, kK, head.q + tile.query * head.q_stride, head.q_stride,
                g.dk + tile.start * head.k_stride, head.k_stride, true},
               tile.count, head.head_dim);
  tile_product({tile.count, tile.slopes, kK, 1, head.k + tile.start * head.k_stride, head.k_stride,
                g.dq + tile.query * head.q_stride, head.q_stride, true},
               tile.rows, head.head_dim);
}

void backward(const AttentionHead& head, const AttentionGradients& g, float* scratch) {
  float* keys_transposed = scratch;
  float* values_transposed = keys_transposed + kK * head.head_dim;
  float* probabilities = values_transposed + kK * head.value_dim;
  float* slopes = probabilities + kQ * kK;
  float* deltas = slopes + kQ * kK;
  for (int64_t t = 0; t < head.queries; ++t) {
    for (int64_t d = 0; d < head.head_dim; ++d) g.dq[t * head.q_stride + d] = 0.0F;
  }
  for (int64_t start = 0; start < head.keys; start += kK) {
    const int64_t count = smaller(kK, head.keys - start);
    bool packed = false;
    for (int64_t query = 0; query < head.queries; query += kQ) {
      const int64_t rows = smaller(kQ, head.queries - query);
      const Range range = visible_to_any(head, query, query + rows);
      if (range.end <= start || range.begin >= start + count) continue;
      if (!packed) {
        transpose_block(head.k + start * head.k_stride, head.k_stride, count, head.head_dim,
                        keys_transposed);
        transpose_block(head.v + start * head.v_stride, head.v_stride, count, head.value_dim,
                        values_transposed);
        packed = true;
      }
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t row = (query + r) * head.out_stride;
        deltas[r] = dot(g.dout + row, head.out + row, head.value_dim);
      }
      backward_tile(head, g, {query, rows, start, count, probabilities, slopes, deltas},
                    keys_transposed, values_transposed);
    }
  }
}

}  // namespace

extern const AttentionKernels kAttention;
const AttentionKernels kAttention = {scratch_floats, forward, forward_few, backward};

}  // namespace onmal::kernels::ONMAL_ISA
