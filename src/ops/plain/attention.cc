#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/plain/plain_ops.h"

namespace onmal::plain {
namespace {

void rope(Exec&, const Tensor& x, const Tensor& cosines, const Tensor& sines,
          const Tensor& positions, RopeStyle style, bool inverse, const Tensor& out) {
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t half = cosines.dim(1);
    const int64_t head_dim = x.dim(3);
    for (int64_t row = 0; row < x.dim(0) * x.dim(1) * x.dim(2); ++row) {
      const int64_t position = positions.i32()[row / x.dim(2)];
      const int64_t base = row * head_dim;
      for (int64_t d = 0; d < head_dim; ++d) out.data_as<T>()[base + d] = x.data_as<T>()[base + d];
      for (int64_t i = 0; i < half; ++i) {
        const int64_t first = base + (style == RopeStyle::kHalves ? i : 2 * i);
        const int64_t second = style == RopeStyle::kHalves ? first + half : first + 1;
        const double c = value_at(cosines, position * half + i);
        const double s = value_at(sines, position * half + i) * (inverse ? -1.0 : 1.0);
        out.data_as<T>()[first] = static_cast<T>(value_at(x, first) * c - value_at(x, second) * s);
        out.data_as<T>()[second] = static_cast<T>(value_at(x, first) * s + value_at(x, second) * c);
      }
    }
  });
}

// One query's view of the keys it may see.
struct Query {
  const Tensor& q;
  const Tensor& k;
  const AttentionParams& params;
  const Tensor& first_keys;
  int64_t b, t, h;

  int64_t kv_head() const { return h / (q.dim(2) / k.dim(2)); }
  int64_t q_base() const { return ((b * q.dim(1) + t) * q.dim(2) + h) * q.dim(3); }
  int64_t k_base(int64_t s) const { return ((b * k.dim(1) + s) * k.dim(2) + kv_head()) * k.dim(3); }
  int64_t begin() const {
    int64_t lowest = first_keys.defined() ? first_keys.i32()[b * q.dim(1) + t] : 0;
    if (params.window > 0) lowest = std::max(lowest, params.first_position + t - params.window + 1);
    return std::max<int64_t>(lowest, 0);
  }
  int64_t end() const {
    const int64_t last = params.causal ? params.first_position + t + 1 : k.dim(1);
    if (!params.key_ends.defined()) return last;
    return std::min<int64_t>(last, params.key_ends.i32()[b * q.dim(1) + t]);
  }
  // Where the bias of key s stands in the table.
  int64_t bias_index(int64_t s) const {
    const int64_t distances = params.bias.dim(0);
    const int64_t row = s - (params.first_position + t) + distances / 2;
    return std::clamp<int64_t>(row, 0, distances - 1) * q.dim(2) + h;
  }

  struct Scores {
    std::vector<double> capped;
    std::vector<double> slopes;  // d(capped) / d(q·k)
    double log_sum = 0;
  };
  Scores scores() const {
    Scores result;
    for (int64_t s = begin(); s < end(); ++s) {
      double dot = 0;
      for (int64_t d = 0; d < q.dim(3); ++d)
        dot += value_at(q, q_base() + d) * value_at(k, k_base(s) + d);
      double score = dot * static_cast<double>(params.scale);
      double slope = static_cast<double>(params.scale);
      if (params.softcap > 0) {
        const double bent = std::tanh(score / static_cast<double>(params.softcap));
        score = static_cast<double>(params.softcap) * bent;
        slope *= 1.0 - bent * bent;
      }
      if (params.bias.defined()) score += value_at(params.bias, bias_index(s));
      result.capped.push_back(score);
      result.slopes.push_back(slope);
    }
    const double largest = *std::max_element(result.capped.begin(), result.capped.end());
    double total = 0;
    for (const double score : result.capped) total += std::exp(score - largest);
    result.log_sum = largest + std::log(total);
    return result;
  }
};

template <typename Body>
void for_each_query(const Tensor& q, const Tensor& k, const AttentionParams& params,
                    const Tensor& first_keys, Body&& body) {
  for (int64_t b = 0; b < q.dim(0); ++b) {
    for (int64_t t = 0; t < q.dim(1); ++t) {
      for (int64_t h = 0; h < q.dim(2); ++h) body(Query{q, k, params, first_keys, b, t, h});
    }
  }
}

void attention(Exec&, const Tensor& q, const Tensor& k, const Tensor& v,
               const AttentionParams& params, const Tensor& first_keys, const Tensor& out,
               const Tensor& log_sums) {
  with_type(q.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t width = v.dim(3);
    for_each_query(q, k, params, first_keys, [&](const Query& query) {
      const Query::Scores scores = query.scores();
      const int64_t out_base = query.q_base() / q.dim(3) * width;
      for (int64_t e = 0; e < width; ++e) {
        double sum = 0;
        for (int64_t s = query.begin(); s < query.end(); ++s) {
          const double p =
              std::exp(scores.capped[static_cast<size_t>(s - query.begin())] - scores.log_sum);
          sum += p * value_at(v, query.k_base(s) / k.dim(3) * width + e);
        }
        out.data_as<T>()[out_base + e] = static_cast<T>(sum);
      }
      if (log_sums.defined()) {
        log_sums.data_as<T>()[(query.b * q.dim(2) + query.h) * q.dim(1) + query.t] =
            static_cast<T>(scores.log_sum);
      }
    });
  });
}

// The cached values of one sequence's positions, one behind the other: [1, count, G, D].
Tensor gathered(Exec& exec, const Tensor& cache, std::span<const int32_t> pages, int64_t count,
                DType dtype) {
  const Tensor out =
      Tensor::empty(*exec.memory, Shape{1, count, cache.dim(2), cache.dim(3)}, dtype);
  const int64_t width = cache.dim(2) * cache.dim(3);
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t s = 0; s < count; ++s) {
      const int64_t row =
          pages[static_cast<size_t>(s / kPageTokens)] * kPageTokens + s % kPageTokens;
      for (int64_t d = 0; d < width; ++d)
        out.data_as<T>()[s * width + d] = static_cast<T>(value_at(cache, row * width + d));
    }
  });
  return out;
}

void paged_attention(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                     std::span<const PagedSegment> segments, const AttentionParams& params,
                     const Tensor& out) {
  int64_t row = 0;
  const auto rows_of = [&](const Tensor& tensor, int64_t count) {
    const Tensor rows = tensor.reshaped(Shape{tensor.dim(1), tensor.dim(2), tensor.dim(3)});
    return rows.slice(row, row + count).reshaped(Shape{1, count, tensor.dim(2), tensor.dim(3)});
  };
  for (const PagedSegment& segment : segments) {
    const int64_t length = segment.first + segment.count;
    AttentionParams own = params;
    own.first_position = segment.first;
    attention(exec, rows_of(q, segment.count),
              gathered(exec, keys, segment.pages, length, q.dtype()),
              gathered(exec, values, segment.pages, length, q.dtype()), own, Tensor(),
              rows_of(out, segment.count), Tensor());
    row += segment.count;
  }
}

void attention_backward(Exec&, const Tensor& dout, const Tensor& q, const Tensor& k,
                        const Tensor& v, const AttentionParams& params, const Tensor& first_keys,
                        const Tensor& out, const Tensor& /*log_sums*/, const Tensor& dq,
                        const Tensor& dk, const Tensor& dv, const Tensor& dbias) {
  with_type(q.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = q.dim(3);
    const int64_t width = v.dim(3);
    for (const Tensor* gradient : {&dq, &dk, &dv})
      std::fill_n(gradient->data_as<T>(), gradient->elements(), T{});
    if (dbias.defined()) std::fill_n(dbias.data_as<T>(), dbias.elements(), T{});
    for_each_query(q, k, params, first_keys, [&](const Query& query) {
      const Query::Scores scores = query.scores();
      const int64_t out_base = query.q_base() / dim * width;
      double delta = 0;  // sum over keys of p * dp = dout · out
      for (int64_t e = 0; e < width; ++e)
        delta += value_at(dout, out_base + e) * value_at(out, out_base + e);
      for (int64_t s = query.begin(); s < query.end(); ++s) {
        const auto i = static_cast<size_t>(s - query.begin());
        const double p = std::exp(scores.capped[i] - scores.log_sum);
        const int64_t k_base = query.k_base(s);
        const int64_t v_base = k_base / dim * width;
        double dp = 0;
        for (int64_t e = 0; e < width; ++e) {
          dp += value_at(dout, out_base + e) * value_at(v, v_base + e);
          dv.data_as<T>()[v_base + e] += static_cast<T>(p * value_at(dout, out_base + e));
        }
        if (dbias.defined())
          dbias.data_as<T>()[query.bias_index(s)] += static_cast<T>(p * (dp - delta));
        const double dscore = p * (dp - delta) * scores.slopes[i];
        for (int64_t d = 0; d < dim; ++d) {
          dq.data_as<T>()[query.q_base() + d] += static_cast<T>(dscore * value_at(k, k_base + d));
          dk.data_as<T>()[k_base + d] += static_cast<T>(dscore * value_at(q, query.q_base() + d));
        }
      }
    });
  });
}

}  // namespace

void add_attention(Backend& backend) {
  backend.rope = rope;
  backend.attention = attention;
  backend.paged_attention = paged_attention;
  backend.attention_backward = attention_backward;
}

}  // namespace onmal::plain
