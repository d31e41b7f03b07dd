#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "formats/tensor_table.h"
#include "models/architecture.h"
#include "models/decoder.h"

namespace onmal {

// Looks up a stored tensor by its name in the file; an undefined Tensor when the file has none.
using FindTensor = FunctionRef<Tensor(const std::string& name)>;

// Fills every weight of `decoder` from a file by the rules. Vectors become f32; matrices stay as
// stored (borrowed) or are converted to `matrices`. Throws Error(kBadFile), naming the weight, when
// one is missing or misshapen.
void load_weights(Decoder& decoder, std::span<const WeightRule> rules, FindTensor find,
                  Allocator& memory, std::optional<DType> matrices, const std::string& where);

// The decoder's weights under the file's names and layouts, converted to `matrices` (vectors f32);
// query and key rows put into `rope_style` order.
std::vector<NamedTensor> store_weights(Decoder& decoder, std::span<const WeightRule> rules,
                                       Allocator& memory, DType matrices, RopeStyle rope_style);

// The name that a file gives to one of our weights; "" when the rules have none.
std::string stored_name(std::span<const WeightRule> rules, const std::string& ours);

// A copy of a tensor in another number format; the tensor itself when it has that format already.
// Quantised formats need the innermost dimension to be a multiple of their block size (else Error
// kInvalidArgument).
Tensor convert_tensor(const Tensor& tensor, DType dtype, Allocator& memory);

}  // namespace onmal
