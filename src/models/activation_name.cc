#include "models/activation_name.h"

#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

// The first name of each is the one written.
constexpr std::pair<std::string_view, Activation> kNames[] = {
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
    {"gelu", Activation::kGeluErf},
    {"gelu_python", Activation::kGeluErf},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"gelu_python_tanh", Activation::kGeluTanh},
    {"relu", Activation::kRelu},
};

}  // namespace

Activation activation_of(std::string_view name, const std::string& where) {
  std::string known;
  for (const auto& [candidate, activation] : kNames) {
    if (candidate == name) return activation;
    known += (known.empty() ? "" : ", ") + std::string(candidate);
  }
  throw Error(ErrorCode::kUnsupported, where, "unknown activation '" + std::string(name) + "'",
              "known ones: " + known);
}

std::string_view activation_name(Activation activation) {
  for (const auto& [name, candidate] : kNames) {
    if (candidate == activation) return name;
  }
  return "silu";
}

}  // namespace onmal
