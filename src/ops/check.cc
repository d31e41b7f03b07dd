#include "ops/check.h"

#include <string>

namespace onmal {

void fail_check(std::string_view op, std::string_view argument, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[" + std::string(op) + "] " + std::string(argument),
              what);
}

void check_same_shape(std::string_view op, std::string_view argument, const Tensor& tensor,
                      const Shape& expected) {
  if (tensor.shape() == expected) return;
  fail_check(op, argument,
             "has shape " + tensor.shape().to_string() + ", expected " + expected.to_string());
}

void check_dtype(std::string_view op, std::string_view argument, const Tensor& tensor,
                 DType expected) {
  if (tensor.dtype() == expected) return;
  fail_check(op, argument,
             "is " + std::string(dtype_info(tensor.dtype()).name) + ", expected " +
                 std::string(dtype_info(expected).name));
}

void check_last_dim(std::string_view op, std::string_view argument, const Tensor& tensor,
                    int64_t expected) {
  if (tensor.shape().rank() > 0 && tensor.dim(-1) == expected) return;
  fail_check(op, argument,
             "has shape " + tensor.shape().to_string() + ", expected the last dimension to be " +
                 std::to_string(expected));
}

}  // namespace onmal
