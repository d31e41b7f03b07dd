#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onmal {

struct CurvePoint {
  int64_t step;
  double value;
};

struct LossCurve {
  std::string title;
  std::string loss_unit = "nats per token";
  std::string measure = "bits_per_byte";  // of held-out data
  std::vector<CurvePoint> loss;           // every step
  std::vector<CurvePoint> heldout;
};

// A self-contained SVG picture: raw and smoothed loss on the left axis, the held-out measure on the
// right one.
std::string draw_loss_curve(const LossCurve& curve);

}  // namespace onmal
