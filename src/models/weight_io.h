#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/tensor_table.h"
#include "models/architecture.h"
#include "models/decoder.h"

namespace onmal {

// How a file keeps weights: their names, and what norm weights are stored less.
struct WeightFormat {
  WeightNames names;
  float norm_offset = 0.0F;
};

// Fills every weight of `decoder` from a file by the rules. Vectors become f32; matrices stay as
// stored (borrowed) or are converted to `matrices`. Throws Error(kBadFile), naming the weight, when
// one is missing or misshapen.
void load_weights(Decoder& decoder, const WeightFormat& format, FindTensor find, Allocator& memory,
                  std::optional<DType> matrices, const std::string& where);

// The decoder's weights under the file's names and layouts, in stored_dtype; query and key rows put
// into `rope_style` order.
std::vector<NamedTensor> store_weights(Decoder& decoder, const WeightFormat& format,
                                       Allocator& memory, DType matrices, RopeStyle rope_style);

// What a weight is stored as when matrices are to be `matrices`: vectors and routers f32, rows that
// blocks do not divide f16.
DType stored_dtype(const Param& param, DType matrices);

// The name that a file gives to one of our weights; "" when the rules have none.
std::string stored_name(const WeightNames& names, const DecoderConfig& config,
                        const std::string& ours);

// Where files keep one of our weights: the rule that is written and the tensor's name there. No
// rule where the format has no place for it.
struct StoredPlace {
  const WeightRule* rule = nullptr;
  std::string name;

  bool is_part() const { return rule != nullptr && rule->part != FusedPart::kWhole; }
};
StoredPlace find_place(const WeightNames& names, const DecoderConfig& config,
                       const std::string& ours);

// Of a rule whose weight shares its stored tensor: the rows of that tensor, which of the parts
// comes last, our rows cut out of such a tensor (a view where they lie together), and put in.
int64_t fused_rows(const DecoderConfig& config, const WeightRule& rule);
bool is_last_part(const WeightRule& rule);
Tensor cut_part(const DecoderConfig& config, const WeightRule& rule, const Tensor& fused,
                Allocator& memory);
void put_part(const DecoderConfig& config, const WeightRule& rule, const Tensor& part,
              const Tensor& fused);

// A copy whose rows, those of `head_dim` queries or keys each, go from the order that `from` wants
// for rotations to the other one. Any number format: whole rows move.
Tensor reorder_heads(const Tensor& tensor, int64_t head_dim, RopeStyle from, Allocator& memory);

// A copy of a tensor in another number format; the tensor itself when it has that format already.
// Quantised formats need the innermost dimension to be a multiple of their block size (else Error
// kInvalidArgument).
Tensor convert_tensor(const Tensor& tensor, DType dtype, Allocator& memory);

}  // namespace onmal
