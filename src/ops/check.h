#pragma once

#include <string_view>

#include "tensor/tensor.h"

// Checks at the door of each op. A failure is an Error(kInvalidArgument) that names the op, the
// argument, what it is and what it should be.
namespace onmal {

[[noreturn]] void fail_check(std::string_view op, std::string_view argument,
                             const std::string& what);

inline void check(bool condition, std::string_view op, std::string_view argument,
                  std::string_view what) {
  if (!condition) fail_check(op, argument, std::string(what));
}

void check_same_shape(std::string_view op, std::string_view argument, const Tensor& tensor,
                      const Shape& expected);
void check_dtype(std::string_view op, std::string_view argument, const Tensor& tensor,
                 DType expected);
// The innermost dimension must be `expected`.
void check_last_dim(std::string_view op, std::string_view argument, const Tensor& tensor,
                    int64_t expected);

}  // namespace onmal
