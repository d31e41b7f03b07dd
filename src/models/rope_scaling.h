#pragma once

#include <cstdint>
#include <vector>

namespace onmal {

// How rotation frequencies are changed to reach beyond the positions a model was first trained on.
enum class RopeScalingKind : uint8_t {
  kNone,
  kLinear,    // all frequencies divided by `factor` (Chen et al., 2023)
  kDynamic,   // Hugging Face's "dynamic": as kNone up to max_positions, where every sequence ends
  kYarn,      // between kLinear and kNone, by wave length (Peng et al., 2023)
  kLlama3,    // the same with a smooth ramp of Llama 3.1's
  kFactors,   // one divisor for each frequency: `long_factors`
  kLongRope,  // `short_factors` or `long_factors`, by the room for the sequence (Ding et al., 2024)
};

struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::kNone;
  double factor = 1.0;
  int64_t original_positions = 0;  // yarn, llama3, longrope: what it was first trained on
  double magnitude = 1.0;          // rotated queries and keys are multiplied by it
  double beta_fast = 32.0;         // yarn: rotations over original_positions where scaling begins
  double beta_slow = 1.0;          // yarn: … and where it is whole
  bool truncate = true;            // yarn: those two places are rounded to whole dimensions
  double low_frequency_factor = 1.0;   // llama3
  double high_frequency_factor = 4.0;  // llama3
  std::vector<float> short_factors;
  std::vector<float> long_factors;

  // Whether sequences with room for `positions` are rotated otherwise than short ones.
  bool is_long(int64_t positions) const {
    return kind == RopeScalingKind::kLongRope && positions > original_positions;
  }
};

// One frequency for each of rotated_dims / 2 pairs, radians a position.
std::vector<double> rope_frequencies(const RopeScaling& scaling, int64_t rotated_dims, double theta,
                                     bool is_long);

// YaRN's own magnitude for a factor: 0.1 * multiplier * ln(factor) + 1, 1 for factors up to 1.
double yarn_magnitude(double factor, double multiplier = 1.0);

}  // namespace onmal
