#include "models/decoder_block.h"

#include <cmath>
#include <string>

#include "ops/activation.h"
#include "ops/add.h"
#include "ops/experts.h"
#include "ops/layer_norm.h"
#include "ops/sigmoid_gate.h"

namespace onmal {
namespace {

constexpr float kBlockDeviation = 0.02F;

bool exists(const LinearLayer& layer) { return layer.weight.shape.rank() > 0; }
bool exists(const NormLayer& layer) { return layer.weight.shape.rank() > 0; }

template <typename Layer>
void visit_if(Layer& layer, ParamVisitor visitor) {
  if (exists(layer)) layer.visit(visitor);
}

Param expert_matrices(const std::string& name, int64_t count, int64_t out, int64_t in,
                      float deviation) {
  return {name + ".weight", Shape{count, out, in}, ParamKind::kMatrix, deviation, 0.0F, {}};
}

Tensor run_mlp(Exec& exec, const LinearLayer& gate, const LinearLayer& up, const LinearLayer& down,
               Activation f, const Tensor& x) {
  const auto inner = [&] {  // `raised` is given back before the way down
    const Tensor raised = up(exec, x);
    return exists(gate) ? gated(exec, f, gate(exec, x), raised) : activation(exec, f, raised);
  };
  return down(exec, inner());
}

NormLayer make_qk_norm(const std::string& name, const DecoderConfig& config, int64_t heads) {
  const int64_t width =
      config.qk_norm == QkNorm::kWhole ? heads * config.head_dim : config.head_dim;
  NormLayer norm(name, NormKind::kRms, width, config.norm_epsilon);
  if (config.qk_norm == QkNorm::kOwnHead) {
    norm.kind = NormKind::kLayer;
    norm.weight.shape = Shape{heads, config.head_dim};
  }
  return norm;
}

}  // namespace

ExpertsLayer::ExpertsLayer(const std::string& name, const DecoderConfig& config, float deviation,
                           float output_deviation) {
  const ExpertsConfig& experts = config.experts;
  router = LinearLayer(name + ".router", config.dim, experts.count, false, deviation);
  gate = expert_matrices(name + ".experts_gate", experts.count, experts.ffn_dim, config.dim,
                         deviation);
  up = expert_matrices(name + ".experts_up", experts.count, experts.ffn_dim, config.dim, deviation);
  down = expert_matrices(name + ".experts_down", experts.count, config.dim, experts.ffn_dim,
                         output_deviation);
  if (experts.shared_ffn_dim == 0) return;
  shared_gate =
      LinearLayer(name + ".shared_gate", config.dim, experts.shared_ffn_dim, false, deviation);
  shared_up =
      LinearLayer(name + ".shared_up", config.dim, experts.shared_ffn_dim, false, deviation);
  shared_down = LinearLayer(name + ".shared_down", experts.shared_ffn_dim, config.dim, false,
                            output_deviation);
  shared_router = LinearLayer(name + ".shared_router", config.dim, 1, false, deviation);
}

void ExpertsLayer::visit(ParamVisitor visitor) {
  router.visit(visitor);
  visitor(gate);
  visitor(up);
  visitor(down);
  visit_if(shared_gate, visitor);
  visit_if(shared_up, visitor);
  visit_if(shared_down, visitor);
  visit_if(shared_router, visitor);
}

Tensor ExpertsLayer::operator()(Exec& exec, const Tensor& x, const DecoderConfig& config) const {
  const Tensor rows = x.reshaped(Shape{x.shape().rows(), config.dim});
  const Routing routing =
      route(exec, router(exec, rows), config.experts.per_token, config.experts.normalize);
  const Tensor gathered = gather_tokens(exec, rows, routing);
  const Tensor inner =
      gated(exec, config.activation, expert_linear(exec, gathered, gate.value, routing),
            expert_linear(exec, gathered, up.value, routing));
  Tensor mixed = combine_experts(exec, expert_linear(exec, inner, down.value, routing), routing);
  if (exists(shared_router)) {
    const Tensor shared =
        run_mlp(exec, shared_gate, shared_up, shared_down, config.activation, rows);
    mixed = add(exec, mixed, sigmoid_gate(exec, shared, shared_router(exec, rows)));
  }
  return mixed.reshaped(x.shape());
}

DecoderBlock::DecoderBlock(const DecoderConfig& config, int64_t index) {
  const std::string name = "layers." + std::to_string(index);
  const float output_deviation =
      kBlockDeviation / std::sqrt(2.0F * static_cast<float>(config.layers));
  const int64_t query_dim = config.heads * config.head_dim;
  const int64_t kv_dim = config.kv_heads * config.head_dim;
  const auto norm = [&](const char* role) {
    return NormLayer(name + role, config.norm, config.dim, config.norm_epsilon);
  };
  const bool before = config.norm_placement != NormPlacement::kAfter;
  const bool after = config.norm_placement != NormPlacement::kBefore;
  if (before) attention_norm = norm(".attention_norm");
  if (after) attention_post_norm = norm(".attention_post_norm");
  if (before && !config.shared_norm) mlp_norm = norm(".mlp_norm");
  if (after) mlp_post_norm = norm(".mlp_post_norm");
  query = LinearLayer(name + ".query", config.dim, query_dim, config.qkv_bias, kBlockDeviation);
  key = LinearLayer(name + ".key", config.dim, kv_dim, config.qkv_bias, kBlockDeviation);
  value = LinearLayer(name + ".value", config.dim, kv_dim, config.qkv_bias, kBlockDeviation);
  output =
      LinearLayer(name + ".output", query_dim, config.dim, config.output_bias, output_deviation);
  if (config.qk_norm != QkNorm::kNone) {
    query_norm = make_qk_norm(name + ".query_norm", config, config.heads);
    key_norm = make_qk_norm(name + ".key_norm", config, config.kv_heads);
  }
  if (config.has_experts(index)) {
    experts = ExpertsLayer(name, config, kBlockDeviation, output_deviation);
    return;
  }
  if (config.gated_mlp)
    gate =
        LinearLayer(name + ".gate", config.dim, config.ffn_dim, config.mlp_bias, kBlockDeviation);
  up = LinearLayer(name + ".up", config.dim, config.ffn_dim, config.mlp_bias, kBlockDeviation);
  down = LinearLayer(name + ".down", config.ffn_dim, config.dim, config.mlp_bias, output_deviation);
}

void DecoderBlock::visit(ParamVisitor visitor) {
  visit_if(attention_norm, visitor);
  query.visit(visitor);
  key.visit(visitor);
  value.visit(visitor);
  output.visit(visitor);
  visit_if(query_norm, visitor);
  visit_if(key_norm, visitor);
  visit_if(attention_post_norm, visitor);
  visit_if(mlp_norm, visitor);
  visit_if(gate, visitor);
  visit_if(up, visitor);
  visit_if(down, visitor);
  if (experts.present()) experts.visit(visitor);
  visit_if(mlp_post_norm, visitor);
}

void DecoderBlock::visit_linears(LinearVisitor visitor) {
  for (LinearLayer* layer : {&query, &key, &value, &output, &gate, &up, &down}) {
    if (exists(*layer)) visitor(*layer);
  }
}

Tensor DecoderBlock::feed_forward(Exec& exec, const Tensor& normed,
                                  const DecoderConfig& config) const {
  if (experts.present()) return experts(exec, normed, config);
  return run_mlp(exec, gate, up, down, config.activation, normed);
}

Tensor DecoderBlock::norm_heads(Exec& exec, const NormLayer& norm, const Tensor& x, QkNorm kind) {
  if (kind != QkNorm::kWhole) return norm(exec, x);
  const Shape whole{x.dim(0), x.dim(1), x.dim(2) * x.dim(3)};
  return norm(exec, x.reshaped(whole)).reshaped(x.shape());
}

}  // namespace onmal
