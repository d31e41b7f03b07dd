#include "autograd/tape.h"

#include <utility>

namespace onmal {

void Tape::record(Tensor& output, Vjp vjp) {
  output.set_tag(next_tag_++);
  nodes_.push_back({output.tag(), output.shape(), std::move(vjp)});
}

void Tape::backward(Exec& exec, const Tensor& output, const Tensor& seed, GradStore& gradients) {
  Exec quiet = exec;
  quiet.tape = nullptr;
  if (output.tag() != 0) gradients.add(quiet, output, seed);
  while (!nodes_.empty()) {
    Node node = std::move(nodes_.back());
    nodes_.pop_back();
    const Tensor gradient = gradients.take(node.output_tag);
    if (gradient.defined()) node.vjp(quiet, gradient.reshaped(node.output_shape), gradients);
  }
}

Tensor checkpoint(Exec& exec, const Tensor& input,
                  const std::function<Tensor(Exec& exec, const Tensor& input)>& body) {
  Exec quiet = exec;
  quiet.tape = nullptr;
  Tensor output = body(quiet, input);
  if (exec.tape == nullptr) return output;
  output.set_tag(0);
  exec.tape->record(output, [input, body](Exec& backward_exec, const Tensor& output_gradient,
                                          GradStore& gradients) {
    Tape tape = Tape::above(input);
    Exec inner = backward_exec;
    inner.tape = &tape;
    const Tensor again = body(inner, input);
    tape.backward(inner, again, output_gradient, gradients);
  });
  return output;
}

}  // namespace onmal
