#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace onmal {

double schedule_factor(const ScheduleRecipe& schedule, int64_t step, int64_t steps) {
  if (step < schedule.warmup_steps) {
    return static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps);
  }
  const auto falling = [&](double begin) {  // share of the way from `begin` to the last step
    const double length = std::max(1.0, static_cast<double>(steps) - begin);
    return std::clamp((static_cast<double>(step + 1) - begin) / length, 0.0, 1.0);
  };
  const double drop = 1.0 - schedule.least_ratio;
  switch (schedule.kind) {
    case ScheduleKind::kCosine: {
      const double share = falling(static_cast<double>(schedule.warmup_steps));
      return schedule.least_ratio + drop * 0.5 * (1.0 + std::cos(std::numbers::pi * share));
    }
    case ScheduleKind::kWarmupStableDecay:
      return 1.0 - drop * falling(static_cast<double>(steps) * (1.0 - schedule.decay_fraction));
    case ScheduleKind::kConstant:
      break;
  }
  return 1.0;
}

}  // namespace onmal
