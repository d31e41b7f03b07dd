#include "kernels/select.h"
#include "ops/cpu/cpu_ops.h"

namespace onmal {

Backend make_cpu_backend(Isa isa) {
  Backend backend;
  backend.name = "cpu";
  backend.kernels = &kernels::table(isa);
  backend.embedding = cpu::embedding;
  backend.embedding_backward = cpu::embedding_backward;
  backend.linear = cpu::linear;
  backend.linear_backward_input = cpu::linear_backward_input;
  backend.linear_backward_weight = cpu::linear_backward_weight;
  backend.sum_rows = cpu::sum_rows;
  backend.rms_norm = cpu::rms_norm;
  backend.rms_norm_backward = cpu::rms_norm_backward;
  backend.layer_norm = cpu::layer_norm;
  backend.layer_norm_backward = cpu::layer_norm_backward;
  backend.rope = cpu::rope;
  backend.attention = cpu::attention;
  backend.paged_attention = cpu::paged_attention;
  backend.attention_backward = cpu::attention_backward;
  backend.activation = cpu::activation;
  backend.activation_backward = cpu::activation_backward;
  backend.gated = cpu::gated;
  backend.gated_backward = cpu::gated_backward;
  backend.linear_cross_entropy = cpu::linear_cross_entropy;
  backend.add = cpu::add;
  backend.scale = cpu::scale;
  backend.multiply_rows = cpu::multiply_rows;
  backend.softcap = cpu::softcap;
  backend.softcap_backward = cpu::softcap_backward;
  backend.sigmoid_gate = cpu::sigmoid_gate;
  backend.sigmoid_gate_backward = cpu::sigmoid_gate_backward;
  backend.route = cpu::route;
  backend.route_backward = cpu::route_backward;
  backend.combine_experts = cpu::combine_experts;
  backend.combine_experts_backward = cpu::combine_experts_backward;
  return backend;
}

}  // namespace onmal
