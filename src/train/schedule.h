#pragma once

#include "train/recipe.h"

namespace onmal {

// Factor on the learning rate at `step` (from 0) of `steps`: linear warm-up, then constant, half a
// cosine down to least_ratio, or constant and then linear down over the last decay_fraction (Hu et
// al., 2024).
double schedule_factor(const ScheduleRecipe& schedule, int64_t step, int64_t steps);

}  // namespace onmal
