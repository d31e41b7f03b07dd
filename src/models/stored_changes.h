#pragma once

#include <string>
#include <vector>

#include "models/adapter.h"
#include "models/weight_io.h"

namespace onmal {

// A low-rank change as files keep it: of a stored tensor, which several of our maps may share.
struct StoredChange {
  std::string name;         // of the stored tensor
  bool transposed = false;  // the tensor, not the change, is stored [in, out]
  Tensor down;              // A [rank, in]
  Tensor up;                // B [out, rank], rows as the file orders them
  Tensor magnitude;         // [out]; undefined without DoRA
};

// The changes attached last to the maps of `model`. Where query, key and value, or gate and up,
// share a tensor, their As stand below one another and their Bs in blocks, so that the rank is the
// sum of theirs and the change is exactly the same. Rows of queries and keys come in the order that
// `theirs` wants. Throws Error(kUnsupported) naming `where` for a map that the files have no place
// for.
std::vector<StoredChange> store_changes(LanguageModel& model, const WeightNames& names,
                                        RopeStyle theirs, const std::string& where,
                                        Allocator& memory);

// Throws Error(kUnsupported) naming `where` when the model's files have no place for a map.
void require_place(const StoredPlace& place, const DecoderConfig& config, const LinearLayer& layer,
                   const std::string& where);

// Rows that change a map, put from the order of one style into that of another; the same tensor
// where nothing moves.
Tensor order_rows(const LanguageModel& model, const LinearLayer& layer, const Tensor& rows,
                  RopeStyle from, RopeStyle to, Allocator& memory);

}  // namespace onmal
