#pragma once

#include "ops/backend.h"

// The processor's implementations of Backend's functions; contracts stand there.
namespace onmal::cpu {

void embedding(Exec& exec, const Tensor& table, const Tensor& ids, const Tensor& out);
void embedding_backward(Exec& exec, const Tensor& dout, const Tensor& ids, const Tensor& dtable,
                        bool accumulate);
void linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out);
void linear_backward_input(Exec& exec, const Tensor& dout, const Tensor& w, const Tensor& dx,
                           bool accumulate);
void linear_backward_weight(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& dw,
                            bool accumulate);
void sum_rows(Exec& exec, const Tensor& dout, const Tensor& db, bool accumulate);
void rms_norm(Exec& exec, const Tensor& x, const Tensor& weight, float eps, const Tensor& out,
              const Tensor& inverse_rms);
void rms_norm_backward(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& weight,
                       const Tensor& inverse_rms, const Tensor& dx, bool accumulate_dx,
                       const Tensor& dweight, bool accumulate_dweight);
void layer_norm(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps,
                const Tensor& out, const NormSaved& saved);
void layer_norm_backward(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& weight,
                         const NormSaved& saved, const Tensor& dx, bool accumulate_dx,
                         const Tensor& dweight, bool accumulate_dweight, const Tensor& dbias,
                         bool accumulate_dbias);
void rope(Exec& exec, const Tensor& x, const Tensor& cosines, const Tensor& sines,
          const Tensor& positions, RopeStyle style, bool inverse, const Tensor& out);
void attention(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
               const AttentionParams& params, const Tensor& first_keys, const Tensor& out,
               const Tensor& log_sums);
void paged_attention(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                     std::span<const PagedSegment> segments, const AttentionParams& params,
                     const Tensor& out);
void attention_backward(Exec& exec, const Tensor& dout, const Tensor& q, const Tensor& k,
                        const Tensor& v, const AttentionParams& params, const Tensor& first_keys,
                        const Tensor& out, const Tensor& log_sums, const Tensor& dq,
                        const Tensor& dk, const Tensor& dv, const Tensor& dbias);
void activation(Exec& exec, Activation f, const Tensor& x, const Tensor& out);
void activation_backward(Exec& exec, Activation f, const Tensor& dout, const Tensor& x,
                         const Tensor& dx, bool accumulate);
void gated(Exec& exec, Activation f, const Tensor& gate, const Tensor& up, const Tensor& out);
void gated_backward(Exec& exec, Activation f, const Tensor& dout, const Tensor& gate,
                    const Tensor& up, const Tensor& dgate, const Tensor& dup);
void linear_cross_entropy(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& targets,
                          const CrossEntropyParams& params, const Tensor& losses,
                          double gradient_scale, const Tensor& dx, const Tensor& dw,
                          const Tensor& dbias);
void add(Exec& exec, const Tensor& a, const Tensor& b, const Tensor& out);
void scale(Exec& exec, const Tensor& x, float factor, const Tensor& out);
void multiply_rows(Exec& exec, const Tensor& x, const Tensor& factors, const Tensor& out);
void softcap(Exec& exec, const Tensor& x, float cap, const Tensor& out);
void softcap_backward(Exec& exec, const Tensor& dout, const Tensor& x, float cap, const Tensor& dx,
                      bool accumulate);
void sigmoid_gate(Exec& exec, const Tensor& x, const Tensor& gate, const Tensor& out);
void sigmoid_gate_backward(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& gate,
                           const Tensor& dx, const Tensor& dgate);
void route(Exec& exec, const Tensor& logits, bool normalize, const Tensor& experts,
           const Tensor& weights);
void route_backward(Exec& exec, const Tensor& dweights, const Tensor& logits, bool normalize,
                    const Tensor& experts, const Tensor& dlogits, bool accumulate);
void combine_experts(Exec& exec, const Tensor& x, const Tensor& weights, const Tensor& slots,
                     const Tensor& out);
void combine_experts_backward(Exec& exec, const Tensor& dout, const Tensor& x,
                              const Tensor& weights, const Tensor& slots, const Tensor& dx,
                              const Tensor& dweights);

}  // namespace onmal::cpu
