#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "nn/param.h"
#include "train/optimizer.h"

namespace onmal {

// Where a run stands, beside its weights and optimiser state.
struct RunState {
  int64_t step = 0;       // steps done
  uint64_t position = 0;  // sequences taken from the data
  std::string
      fingerprint;  // of what must not change between stop and resume: model, data, batch, seed
};

// Writes folder/checkpoint-<step> (weights.safetensors, optimizer.safetensors) under another name
// first, then renames: what has that name is whole. Keeps the newest `keep`.
void save_checkpoint(const std::filesystem::path& folder, const RunState& state, VisitParams visit,
                     const Optimizer& optimizer, int64_t keep);

// The newest checkpoint of a run folder, if any.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);

// Fills the weights and the optimiser's state, which must exist already. Throws
// Error(kBadFile) naming the tensor that is missing, misshapen or of another type, or when the
// fingerprint is not the one expected.
RunState load_checkpoint(const std::filesystem::path& checkpoint, const std::string& fingerprint,
                         VisitParams visit, Optimizer& optimizer);

}  // namespace onmal
