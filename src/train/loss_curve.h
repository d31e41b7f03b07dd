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
  std::vector<CurvePoint> loss;           // nats per token, every step
  std::vector<CurvePoint> bits_per_byte;  // held out
};

// A self-contained SVG picture: raw and smoothed loss on the left axis, held-out bits per byte on
// the right one.
std::string draw_loss_curve(const LossCurve& curve);

}  // namespace onmal
