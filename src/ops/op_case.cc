#include "ops/op_case.h"

#include <array>
#include <initializer_list>
#include <utility>

#include "base/rng.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/attention.h"
#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/experts.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/scale.h"
#include "ops/scale_columns.h"
#include "ops/sigmoid_gate.h"
#include "ops/softcap.h"

namespace onmal {
namespace {

using Inputs = std::vector<Tensor>;

Tensor random_ids(Exec& exec, const Shape& shape, int64_t bound, uint64_t seed) {
  Rng rng(seed);
  Tensor ids = Tensor::empty(*exec.memory, shape, DType::kI32);
  for (int64_t i = 0; i < ids.elements(); ++i) {
    ids.i32()[i] = static_cast<int32_t>(rng.below(static_cast<uint64_t>(bound)));
  }
  return ids;
}

void add_linear_cases(std::vector<OpCase>& cases) {
  for (const auto& [m, n, k] : std::initializer_list<std::array<int64_t, 3>>{
           {1, 1, 1}, {1, 37, 64}, {3, 33, 96}, {4, 5, 7}, {5, 65, 33}, {70, 48, 130}}) {
    const std::string size = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
    cases.push_back(
        {"linear " + size,
         {{Shape{m, k}}, {Shape{n, k}}, {Shape{n}}},
         [](Exec& exec, const Inputs& in) { return linear(exec, in[0], in[1], in[2]); }});
  }
  cases.push_back({"linear without bias on three dimensions",
                   {{Shape{2, 9, 32}}, {Shape{24, 32}}},
                   [](Exec& exec, const Inputs& in) { return linear(exec, in[0], in[1]); }});
  cases.push_back({"embedding", {{Shape{13, 70}}}, [](Exec& exec, const Inputs& in) {
                     return embedding(exec, in[0], random_ids(exec, Shape{3, 11}, 13, 1));
                   }});
}

void add_norm_cases(std::vector<OpCase>& cases) {
  for (const int64_t dim : {3, 16, 33, 320}) {
    for (const int64_t rows : {1, 5, 70}) {
      const std::string size = std::to_string(rows) + "x" + std::to_string(dim);
      cases.push_back(
          {"rms_norm " + size,
           {{Shape{rows, dim}, 1.0, 0.5}, {Shape{dim}, 0.5, 1.0}},
           [](Exec& exec, const Inputs& in) { return rms_norm(exec, in[0], in[1], 1e-5F); },
           1e-5,
           3e-5});
      cases.push_back({"layer_norm " + size,
                       {{Shape{rows, dim}, 1.0, 0.5}, {Shape{dim}, 0.5, 1.0}, {Shape{dim}}},
                       [](Exec& exec, const Inputs& in) {
                         return layer_norm(exec, in[0], in[1], in[2], 1e-5F);
                       },
                       1e-5,
                       3e-5});
    }
  }
}

void add_elementwise_cases(std::vector<OpCase>& cases) {
  for (const auto& [f, name] :
       {std::pair(Activation::kSilu, "silu"), std::pair(Activation::kGeluTanh, "gelu_tanh"),
        std::pair(Activation::kGeluErf, "gelu_erf"), std::pair(Activation::kRelu, "relu")}) {
    cases.push_back({"activation " + std::string(name),
                     {{Shape{3, 67}, 3.0}},
                     [f = f](Exec& exec, const Inputs& in) { return activation(exec, f, in[0]); }});
    cases.push_back(
        {"gated " + std::string(name),
         {{Shape{3, 67}, 3.0}, {Shape{3, 67}}},
         [f = f](Exec& exec, const Inputs& in) { return gated(exec, f, in[0], in[1]); }});
  }
  cases.push_back({"add", {{Shape{5, 33}}, {Shape{5, 33}}}, [](Exec& exec, const Inputs& in) {
                     return add(exec, in[0], in[1]);
                   }});
  cases.push_back({"add of a value to itself", {{Shape{5, 33}}}, [](Exec& exec, const Inputs& in) {
                     return add(exec, in[0], in[0]);
                   }});
  cases.push_back({"scale_columns",
                   {{Shape{2, 9, 33}}, {Shape{33}}},
                   [](Exec& exec, const Inputs& in) { return scale_columns(exec, in[0], in[1]); }});
  cases.push_back({"scale_columns of one row",
                   {{Shape{1, 33}}, {Shape{33}}},
                   [](Exec& exec, const Inputs& in) { return scale_columns(exec, in[0], in[1]); }});
  cases.push_back({"softcap", {{Shape{5, 33}, 3.0}}, [](Exec& exec, const Inputs& in) {
                     return softcap(exec, in[0], 2.5F);
                   }});
  cases.push_back({"sigmoid_gate",
                   {{Shape{2, 9, 33}}, {Shape{2, 9, 1}, 2.0}},
                   [](Exec& exec, const Inputs& in) { return sigmoid_gate(exec, in[0], in[1]); }});
  cases.push_back(
      {"layer_norm with a row of weights for each head",
       {{Shape{2, 5, 3, 18}, 1.0, 0.5}, {Shape{3, 18}, 0.5, 1.0}},
       [](Exec& exec, const Inputs& in) { return layer_norm(exec, in[0], in[1], {}, 1e-5F); },
       1e-5,
       3e-5});
  cases.push_back({"scale", {{Shape{5, 33}}}, [](Exec& exec, const Inputs& in) {
                     return scale(exec, in[0], 0.375F);
                   }});
}

void add_rope_cases(std::vector<OpCase>& cases) {
  for (const RopeStyle style : {RopeStyle::kHalves, RopeStyle::kInterleaved}) {
    for (const int64_t rotated : {8, 34, 64}) {
      cases.push_back(
          {"rope", {{Shape{2, 5, 3, 64}}}, [style, rotated](Exec& exec, const Inputs& in) {
             const RopeTables tables = make_rope_tables(*exec.memory, 40, rotated, 10000.0);
             return rope(exec, in[0], tables, random_ids(exec, Shape{2, 5}, 40, 2), style);
           }});
    }
  }
}

// A whole mixture: x, router [E, D], gate and up [E, F, D], down [E, D, F].
void add_expert_cases(std::vector<OpCase>& cases) {
  struct Sizes {
    int64_t tokens, experts, per_token;
    bool normalize;
  };
  for (const Sizes& s : {Sizes{1, 5, 2, true}, Sizes{1, 3, 3, false}, Sizes{23, 6, 2, false},
                         Sizes{40, 4, 3, true}, Sizes{9, 40, 1, false}}) {
    constexpr int64_t kDim = 17;
    constexpr int64_t kInner = 13;
    cases.push_back({"experts " + std::to_string(s.tokens) + " to " + std::to_string(s.experts),
                     {{Shape{s.tokens, kDim}},
                      {Shape{s.experts, kDim}, 0.5},
                      {Shape{s.experts, kInner, kDim}, 0.3},
                      {Shape{s.experts, kInner, kDim}, 0.3},
                      {Shape{s.experts, kDim, kInner}, 0.3}},
                     [s](Exec& exec, const Inputs& in) {
                       const Routing routing =
                           route(exec, linear(exec, in[0], in[1]), s.per_token, s.normalize);
                       const Tensor x = gather_tokens(exec, in[0], routing);
                       const Tensor inner =
                           gated(exec, Activation::kSilu, expert_linear(exec, x, in[2], routing),
                                 expert_linear(exec, x, in[3], routing));
                       return combine_experts(exec, expert_linear(exec, inner, in[4], routing),
                                              routing);
                     },
                     1e-5,
                     2e-5});
  }
}

struct AttentionShape {
  std::string name;
  int64_t batch, queries, keys, heads, groups, head_dim, value_dim;
  AttentionParams params;
  bool packed = false;
  bool padded = false;    // sequence b ends 5 b + 3 keys early
  int64_t distances = 0;  // > 0: with a bias table
};

// Fills params.key_ends and params.bias as the shape says.
AttentionParams params_of(Exec& exec, const AttentionShape& s, const Inputs& in) {
  AttentionParams params = s.params;
  if (s.distances > 0) params.bias = in[3];
  if (s.padded) {
    params.key_ends = Tensor::empty(*exec.memory, Shape{s.batch, s.queries}, DType::kI32);
    for (int64_t i = 0; i < s.batch * s.queries; ++i)
      params.key_ends.i32()[i] = static_cast<int32_t>(s.keys - 5 * (i / s.queries) - 3);
  }
  return params;
}

void add_attention_case(std::vector<OpCase>& cases, const AttentionShape& s) {
  std::vector<OpCase::Input> inputs = {{Shape{s.batch, s.queries, s.heads, s.head_dim}},
                                       {Shape{s.batch, s.keys, s.groups, s.head_dim}},
                                       {Shape{s.batch, s.keys, s.groups, s.value_dim}}};
  if (s.distances > 0) inputs.push_back({Shape{s.distances, s.heads}});
  cases.push_back(
      {"attention " + s.name, inputs,
       [s](Exec& exec, const Inputs& in) {
         Tensor first_keys;
         if (s.packed) {
           first_keys = Tensor::empty(*exec.memory, Shape{s.batch, s.queries}, DType::kI32);
           for (int64_t i = 0; i < first_keys.elements(); ++i) {
             first_keys.i32()[i] = static_cast<int32_t>(i % s.queries / 7 * 7);
           }
         }
         return attention(exec, in[0], in[1], in[2], params_of(exec, s, in), first_keys);
       },
       1e-5, 2e-5});
}

void add_attention_cases(std::vector<OpCase>& cases) {
  const AttentionParams plain{0.2F};
  AttentionParams window = plain;
  window.window = 9;
  AttentionParams capped = plain;
  capped.softcap = 1.5F;
  AttentionParams later = plain;
  later.first_position = 21;
  AttentionParams open = plain;
  open.causal = false;
  add_attention_case(cases, {"one token", 1, 1, 1, 1, 1, 8, 8, plain});
  add_attention_case(cases, {"grouped heads", 2, 33, 33, 4, 2, 16, 16, plain});
  add_attention_case(cases, {"several tiles", 1, 150, 150, 2, 1, 32, 32, plain});
  add_attention_case(cases, {"odd sizes", 1, 70, 70, 3, 3, 13, 19, plain});
  add_attention_case(cases, {"window", 1, 140, 140, 2, 2, 16, 16, window});
  add_attention_case(cases, {"packed documents", 2, 75, 75, 2, 1, 16, 16, plain, true});
  add_attention_case(cases, {"packed documents and window", 1, 75, 75, 2, 1, 16, 16, window, true});
  add_attention_case(cases, {"softcap", 1, 40, 40, 2, 2, 16, 16, capped});
  add_attention_case(cases, {"behind a cache", 1, 30, 51, 4, 2, 16, 16, later});
  add_attention_case(cases, {"few queries behind a cache", 1, 2, 23, 4, 2, 16, 16, later});
  add_attention_case(cases, {"not causal", 2, 20, 31, 2, 2, 16, 16, open});
  add_attention_case(cases, {"padded", 2, 70, 83, 2, 2, 16, 16, open, false, true});
  add_attention_case(cases, {"padded, causal", 2, 70, 70, 2, 1, 16, 16, plain, false, true});
  add_attention_case(cases, {"bias", 2, 20, 31, 3, 3, 8, 8, open, false, false, 9});
  add_attention_case(cases,
                     {"bias on several tiles", 2, 140, 151, 2, 1, 16, 16, open, false, true, 77});
  add_attention_case(cases,
                     {"bias behind a cache", 1, 30, 51, 2, 2, 16, 16, later, false, false, 101});
  add_attention_case(cases, {"bias, few queries", 2, 2, 23, 4, 2, 16, 16, later, false, false, 15});
}

// 1, 0, -1, 0.5, 1 …: constants of either sign.
Tensor spread(Exec& exec, const Shape& shape, DType dtype) {
  constexpr std::array kValues = {1.0F, 0.0F, -1.0F, 0.5F};
  const Tensor tensor = Tensor::empty(*exec.memory, shape, dtype);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    const float value = kValues[static_cast<size_t>(i) % kValues.size()];
    if (dtype == DType::kF64) {
      tensor.f64()[i] = static_cast<double>(value);
    } else {
      tensor.f32()[i] = value;
    }
  }
  return tensor;
}

void add_loss_cases(std::vector<OpCase>& cases) {
  for (const float softcap : {0.0F, 3.0F}) {
    for (const int64_t rows : {1, 9, 70}) {
      cases.push_back({"linear_cross_entropy",
                       {{Shape{rows, 24}}, {Shape{51, 24}, 0.5}},
                       [softcap, rows](Exec& exec, const Inputs& in) {
                         const Tensor targets = random_ids(exec, Shape{rows}, 51, 3);
                         if (rows > 3) targets.i32()[2] = -100;
                         CrossEntropyParams params;
                         params.softcap = softcap;
                         return linear_cross_entropy(exec, in[0], in[1], targets, params).loss;
                       }});
      cases.push_back({"linear_cross_entropy with a bias and weights of rows",
                       {{Shape{rows, 24}}, {Shape{51, 24}, 0.5}, {Shape{51}}},
                       [softcap, rows](Exec& exec, const Inputs& in) {
                         const Tensor targets = random_ids(exec, Shape{rows}, 51, 3);
                         CrossEntropyParams params;
                         params.softcap = softcap;
                         params.bias = in[2];
                         params.row_weights = spread(exec, Shape{rows}, in[0].dtype());
                         return linear_cross_entropy(exec, in[0], in[1], targets, params).loss;
                       }});
    }
  }
}

}  // namespace

std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> cases;
  add_linear_cases(cases);
  add_norm_cases(cases);
  add_elementwise_cases(cases);
  add_rope_cases(cases);
  add_expert_cases(cases);
  add_attention_cases(cases);
  add_loss_cases(cases);
  return cases;
}

}  // namespace onmal
