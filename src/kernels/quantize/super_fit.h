#pragma once

#include <algorithm>

#include "kernels/quantize/block_input.h"
#include "kernels/quantize/group_fit.h"

// Super-blocks: groups whose scales (and minima) are themselves small integers times one half.
// First each group is fitted alone; then the shared half is chosen, each group takes the integers
// near its fit that leave the least error with that half, the half is fitted again to all that was
// chosen, and so in turns while the error falls.
namespace onmal::kernels::quantize {

inline constexpr int kSuperSize = static_cast<int>(kSuperBlockSize);
using SuperInput = BlockInput<kSuperSize>;

inline constexpr int kSuperTurns = 4;
inline constexpr int kMostGroups = 16;

// What a super-block stores, before it is packed.
struct SuperCodes {
  uint16_t d = 0;
  uint16_t dmin = 0;
  int scales[kMostGroups] = {};
  int minima[kMostGroups] = {};
  int codes[kSuperSize] = {};
};

inline int nearest_int(float x, int low, int high) {
  const float held = std::clamp(x, static_cast<float>(low), static_cast<float>(high));
  return static_cast<int>(held + (held < 0.0F ? -0.5F : 0.5F));
}

// Scales of super-blocks that share one half, with integers kLow … kHigh, no minima.
template <typename Levels, int kGroupSize, int kLow, int kHigh>
class ScaledSuperFit {
 public:
  static constexpr int kGroups = kSuperSize / kGroupSize;
  static constexpr int kFours = kGroupSize / 4;

  explicit ScaledSuperFit(const SuperInput& input) : input_(input) {
    for (int g = 0; g < kGroups; ++g) {
      wanted_[g] = fit_scale<Levels, kGroupSize>(group(g)).scale;
    }
  }

  SuperCodes run() {
    float extreme = 0.0F;
    for (const float scale : wanted_) {
      if (scale * scale > extreme * extreme) extreme = scale;
    }
    // The largest scale on the lowest integer, or on the highest.
    for (const int end : {kLow, kHigh}) {
      uint16_t d = input_.half(extreme / static_cast<float>(end));
      for (int turn = 0; turn < kSuperTurns && choose(d); ++turn) d = fitted_half(d);
    }
    for (int i = 0; i < kSuperSize; ++i) best_.codes[i] = Levels::code(best_levels_[i / 4][i % 4]);
    return best_;
  }

 private:
  Group<kGroupSize> group(int g) const {
    return {input_.x + g * kFours, input_.weights + g * kFours};
  }

  // Scales and levels of all groups for a given half; true when they are the best so far.
  bool choose(uint16_t d) {
    const float unit = input_.scale_of(d);
    float total = 0.0F;
    Four levels[kFours];
    for (int g = 0; g < kGroups; ++g) {
      const int middle = unit != 0.0F ? nearest_int(wanted_[g] / unit, kLow, kHigh) : 0;
      float least = kNoFit;
      for (int scale = std::max(middle - 1, kLow); scale <= std::min(middle + 1, kHigh); ++scale) {
        const float error = round_levels<Levels, kGroupSize>(
            group(g), unit * static_cast<float>(scale), 0.0F, levels);
        if (error >= least) continue;
        least = error;
        scales_[g] = scale;
        std::copy_n(levels, kFours, levels_ + g * kFours);
      }
      total += least;
    }
    if (!(total < least_)) return false;
    least_ = total;
    best_.d = d;
    std::copy_n(scales_, kGroups, best_.scales);
    std::copy_n(levels_, kSuperSize / 4, best_levels_);
    return true;
  }

  // The half that fits the chosen scales and levels best.
  uint16_t fitted_half(uint16_t d) const {
    float products = 0.0F;
    float squares = 0.0F;
    for (int g = 0; g < kGroups; ++g) {
      Four product = all(0.0F);
      Four square = all(0.0F);
      for (int i = g * kFours; i < (g + 1) * kFours; ++i) {
        const Four weighted = input_.weights[i] * levels_[i];
        product += weighted * input_.x[i];
        square += weighted * levels_[i];
      }
      const auto scale = static_cast<float>(scales_[g]);
      products += scale * sum(product);
      squares += scale * scale * sum(square);
    }
    return squares > 0.0F ? input_.half(products / squares) : d;
  }

  const SuperInput& input_;
  float wanted_[kGroups];
  int scales_[kGroups] = {};
  Four levels_[kSuperSize / 4];
  float least_ = kNoFit;
  SuperCodes best_;
  Four best_levels_[kSuperSize / 4] = {};
};

// value = d * scale * code - dmin * minimum, codes 0 … kHigh, scales and minima 0 … kMost.
template <int kHigh, int kGroupSize, int kMost>
class LineSuperFit {
 public:
  static constexpr int kGroups = kSuperSize / kGroupSize;
  static constexpr int kFours = kGroupSize / 4;
  using Levels = IntegerLevels<0, kHigh>;

  explicit LineSuperFit(const SuperInput& input) : input_(input) {
    for (int g = 0; g < kGroups; ++g) wanted_[g] = fit_line<kHigh, kGroupSize, true>(group(g));
  }

  SuperCodes run() {
    float largest_scale = 0.0F;
    float largest_minimum = 0.0F;
    for (const Fit& fit : wanted_) {
      largest_scale = std::max(largest_scale, fit.scale);
      largest_minimum = std::max(largest_minimum, -fit.minimum);
    }
    // With few steps it may pay to cut the largest off.
    constexpr float kCuts[] = {1.0F, 0.93F, 0.86F};
    constexpr int kCutCount = kMost < 32 ? 3 : 1;
    for (int cut = 0; cut < kCutCount * kCutCount; ++cut) {
      uint16_t d = input_.half(kCuts[cut / kCutCount] * largest_scale / kMost);
      uint16_t dmin = input_.half(kCuts[cut % kCutCount] * largest_minimum / kMost);
      for (int turn = 0; turn < kSuperTurns && choose(d, dmin); ++turn) fit_halves(d, dmin);
    }
    for (int i = 0; i < kSuperSize; ++i) best_.codes[i] = Levels::code(best_levels_[i / 4][i % 4]);
    return best_;
  }

 private:
  Group<kGroupSize> group(int g) const {
    return {input_.x + g * kFours, input_.weights + g * kFours};
  }

  bool choose(uint16_t d, uint16_t dmin) {
    const float unit = input_.scale_of(d);
    const float minimum_unit = input_.scale_of(dmin);
    float total = 0.0F;
    for (int g = 0; g < kGroups; ++g) total += choose_group(g, unit, minimum_unit);
    if (!(total < least_)) return false;
    least_ = total;
    best_.d = d;
    best_.dmin = dmin;
    std::copy_n(scales_, kGroups, best_.scales);
    std::copy_n(minima_, kGroups, best_.minima);
    std::copy_n(levels_, kSuperSize / 4, best_levels_);
    return true;
  }

  // The best of the 3 x 3 pairs of integers around what the group alone would take.
  float choose_group(int g, float unit, float minimum_unit) {
    const int scale = unit != 0.0F ? nearest_int(wanted_[g].scale / unit, 0, kMost) : 0;
    const int minimum =
        minimum_unit != 0.0F ? nearest_int(-wanted_[g].minimum / minimum_unit, 0, kMost) : 0;
    float least = kNoFit;
    Four levels[kFours];
    for (int s = std::max(scale - 1, 0); s <= std::min(scale + 1, kMost); ++s) {
      for (int m = std::max(minimum - 1, 0); m <= std::min(minimum + 1, kMost); ++m) {
        const float error = round_levels<Levels, kGroupSize>(
            group(g), unit * static_cast<float>(s), -minimum_unit * static_cast<float>(m), levels);
        if (error >= least) continue;
        least = error;
        scales_[g] = s;
        minima_[g] = m;
        std::copy_n(levels, kFours, levels_ + g * kFours);
      }
    }
    return least;
  }

  // Both halves by least squares over the super-block: x = d (scale code) - dmin minimum.
  void fit_halves(uint16_t& d, uint16_t& dmin) const {
    float aa = 0.0F, ab = 0.0F, bb = 0.0F, ax = 0.0F, bx = 0.0F;
    for (int g = 0; g < kGroups; ++g) {
      const auto scale = static_cast<float>(scales_[g]);
      const auto minimum = -static_cast<float>(minima_[g]);
      Four w = all(0.0F), wl = all(0.0F), wll = all(0.0F), wx = all(0.0F), wxl = all(0.0F);
      for (int i = g * kFours; i < (g + 1) * kFours; ++i) {
        const Four weighted = input_.weights[i] * levels_[i];
        w += input_.weights[i];
        wl += weighted;
        wll += weighted * levels_[i];
        wx += input_.weights[i] * input_.x[i];
        wxl += weighted * input_.x[i];
      }
      aa += scale * scale * sum(wll);
      ab += scale * minimum * sum(wl);
      bb += minimum * minimum * sum(w);
      ax += scale * sum(wxl);
      bx += minimum * sum(wx);
    }
    const float determinant = aa * bb - ab * ab;
    if (determinant > 1e-5F * aa * bb) {
      d = input_.half((bb * ax - ab * bx) / determinant);
      dmin = input_.half((aa * bx - ab * ax) / determinant);
    } else if (aa > 0.0F && bb == 0.0F) {
      d = input_.half(ax / aa);
    }
  }

  const SuperInput& input_;
  Fit wanted_[kGroups];
  int scales_[kGroups] = {};
  int minima_[kGroups] = {};
  Four levels_[kSuperSize / 4];
  float least_ = kNoFit;
  SuperCodes best_;
  Four best_levels_[kSuperSize / 4] = {};
};

}  // namespace onmal::kernels::quantize
