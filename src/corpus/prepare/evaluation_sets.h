#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "corpus/dedup/contamination.h"

namespace onmal {

// An index of evaluation sets, one a file: every text in JSON (lines), every field of tables, every
// field of the lines of other files, as items of their own. Throws Error: a set that cannot be read
// is not passed over.
std::unique_ptr<ContaminationIndex> index_evaluation_sets(
    const std::vector<std::filesystem::path>& files, uint64_t memory_bytes);

}  // namespace onmal
