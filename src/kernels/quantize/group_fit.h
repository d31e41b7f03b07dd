#pragma once

#include <limits>

#include "kernels/quantize/lanes.h"

// Weighted least squares for one group of values that share a scale (and a minimum): a grid of
// first guesses, each rounded and fitted once, then rounding and fitting in turns from the best.
namespace onmal::kernels::quantize {

inline constexpr float kNoFit = std::numeric_limits<float>::infinity();
inline constexpr float kTiny = 1e-20F;  // of values normalised to 1: nothing
inline constexpr int kMostTurns = 8;

// value = scale * level + minimum, with the error of it.
struct Fit {
  float scale = 0.0F;
  float minimum = 0.0F;
  float error = kNoFit;
};

// A group's values and their weights, N of each.
template <int N>
struct Group {
  static constexpr int kFours = N / 4;
  const Four* x;
  const Four* weights;
};

template <typename Levels, int N>
float round_levels(const Group<N>& group, float scale, float minimum, Four* levels) {
  const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
  Four error = all(0.0F);
  for (int i = 0; i < N / 4; ++i) {
    levels[i] = Levels::nearest((group.x[i] - all(minimum)) * all(inverse));
    const Four rest = group.x[i] - all(minimum) - all(scale) * levels[i];
    error += group.weights[i] * rest * rest;
  }
  return sum(error);
}

template <int N>
float error_of(const Group<N>& group, float scale, float minimum, const Four* levels) {
  Four error = all(0.0F);
  for (int i = 0; i < N / 4; ++i) {
    const Four rest = group.x[i] - all(minimum) - all(scale) * levels[i];
    error += group.weights[i] * rest * rest;
  }
  return sum(error);
}

// Rounds with an inverse scale, then fits the scale: sum(w x l) / sum(w l^2).
template <typename Levels, int N>
Fit round_and_fit_scale(const Group<N>& group, float inverse, Four* levels) {
  Four products = all(0.0F);
  Four squares = all(0.0F);
  for (int i = 0; i < N / 4; ++i) {
    levels[i] = Levels::nearest(group.x[i] * all(inverse));
    const Four weighted = group.weights[i] * levels[i];
    products += weighted * group.x[i];
    squares += weighted * levels[i];
  }
  const float total = sum(squares);
  Fit fit;
  fit.scale = total > 0.0F ? sum(products) / total : 0.0F;
  fit.error = error_of<N>(group, fit.scale, 0.0F, levels);
  return fit;
}

template <int N>
float extreme_of(const Group<N>& group) {
  float extreme = 0.0F;
  for (int i = 0; i < N; ++i) {
    const float value = group.x[i / 4][i % 4];
    if (value * value > extreme * extreme) extreme = value;
  }
  return extreme;
}

// value = scale * level; scale may be negative. Guesses put the value of the largest size near the
// outermost level of either side.
template <typename Levels, int N>
Fit fit_scale(const Group<N>& group) {
  constexpr int kGuesses = 19;
  constexpr float kFirst = -1.8F;
  constexpr float kStep = 0.2F;
  const float extreme = extreme_of(group);
  if (extreme * extreme < kTiny * kTiny) return {0.0F, 0.0F, 0.0F};
  Four levels[N / 4];
  Fit best;
  for (int guess = 0; guess < 2 * kGuesses; ++guess) {
    const float offset = (kFirst + kStep * static_cast<float>(guess / 2)) * Levels::kStep;
    const float target = guess % 2 == 0 ? Levels::kExtreme + offset : -Levels::kExtreme - offset;
    const Fit fit = round_and_fit_scale<Levels, N>(group, target / extreme, levels);
    if (fit.error < best.error) best = fit;
  }
  for (int turn = 0; turn < kMostTurns && best.scale != 0.0F; ++turn) {
    const Fit fit = round_and_fit_scale<Levels, N>(group, 1.0F / best.scale, levels);
    if (!(fit.error < best.error)) break;
    best = fit;
  }
  return best;
}

// Rounds to levels 0 … kHigh, then fits scale and minimum together (the normal equations of a
// line). kNegative: the minimum must not be above 0.
template <int kHigh, int N, bool kNegative>
Fit round_and_fit_line(const Group<N>& group, float scale, float minimum, Four* levels) {
  const float inverse = 1.0F / scale;
  Four w = all(0.0F), wl = all(0.0F), wll = all(0.0F), wx = all(0.0F), wxl = all(0.0F);
  for (int i = 0; i < N / 4; ++i) {
    levels[i] = IntegerLevels<0, kHigh>::nearest((group.x[i] - all(minimum)) * all(inverse));
    const Four weighted = group.weights[i] * levels[i];
    w += group.weights[i];
    wl += weighted;
    wll += weighted * levels[i];
    wx += group.weights[i] * group.x[i];
    wxl += weighted * group.x[i];
  }
  const float determinant = sum(w) * sum(wll) - sum(wl) * sum(wl);
  Fit fit;
  if (determinant <= 1e-6F * sum(w) * sum(wll)) return fit;  // one level alone
  fit.scale = (sum(w) * sum(wxl) - sum(wl) * sum(wx)) / determinant;
  fit.minimum = (sum(wll) * sum(wx) - sum(wl) * sum(wxl)) / determinant;
  if (kNegative && fit.minimum > 0.0F) {
    fit.minimum = 0.0F;
    fit.scale = sum(wxl) / sum(wll);
  }
  if (fit.scale > 0.0F) fit.error = error_of<N>(group, fit.scale, fit.minimum, levels);
  return fit;
}

// value = scale * level + minimum, levels 0 … kHigh. Guesses move both ends of the values' range,
// by parts of a step.
template <int kHigh, int N, bool kNegative>
Fit fit_line(const Group<N>& group) {
  constexpr float kShifts[] = {-0.3F, 0.0F, 0.3F, 0.6F, 0.9F};
  float low = group.x[0][0];
  float high = low;
  for (int i = 1; i < N; ++i) {
    const float value = group.x[i / 4][i % 4];
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  if (kNegative && low > 0.0F) low = 0.0F;
  Four levels[N / 4];
  Fit best = {0.0F, low, kNoFit};
  const float step = (high - low) / kHigh;
  if (step < kTiny) {  // all values are equal
    for (int i = 0; i < N / 4; ++i) levels[i] = all(0.0F);
    best.error = error_of<N>(group, 0.0F, low, levels);
    return best;
  }
  for (const float from_low : kShifts) {
    for (const float from_high : kShifts) {
      const float minimum = low + from_low * step;
      const float scale = (high - from_high * step - minimum) / kHigh;
      const Fit fit = round_and_fit_line<kHigh, N, kNegative>(
          group, scale, kNegative && minimum > 0.0F ? 0.0F : minimum, levels);
      if (fit.error < best.error) best = fit;
    }
  }
  if (best.error == kNoFit)
    return {step, low, round_levels<IntegerLevels<0, kHigh>, N>(group, step, low, levels)};
  for (int turn = 0; turn < kMostTurns; ++turn) {
    const Fit fit =
        round_and_fit_line<kHigh, N, kNegative>(group, best.scale, best.minimum, levels);
    if (!(fit.error < best.error)) break;
    best = fit;
  }
  return best;
}

}  // namespace onmal::kernels::quantize
