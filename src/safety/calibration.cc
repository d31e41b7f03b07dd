#include "safety/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace onmal {
namespace {

constexpr double kMostLogit = 16;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

}  // namespace

double logit(double probability) {
  if (!(probability > 0)) return -kMostLogit;
  if (probability >= 1) return kMostLogit;
  return std::clamp(std::log(probability / (1 - probability)), -kMostLogit, kMostLogit);
}

PlattScaling fit_platt(std::span<const double> logits, std::span<const uint8_t> targets) {
  const auto positive = static_cast<double>(std::count(targets.begin(), targets.end(), uint8_t{1}));
  const double negative = static_cast<double>(targets.size()) - positive;
  PlattScaling fit;
  if (positive == 0 || negative == 0) return fit;
  const double high = (positive + 1) / (positive + 2);
  const double low = 1 / (negative + 2);
  const auto loss = [&](const PlattScaling& s) {
    double sum = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      const double z = s.scale * logits[i] + s.offset;
      const double softplus = z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z));
      sum += softplus - (targets[i] != 0 ? high : low) * z;
    }
    return sum;
  };
  double best = loss(fit);
  constexpr int kSteps = 100;
  for (int step = 0; step < kSteps; ++step) {
    double g0 = 0, g1 = 0, h00 = 1e-9, h01 = 0, h11 = 1e-9;
    for (size_t i = 0; i < logits.size(); ++i) {
      const double p = fit(logits[i]);
      const double error = p - (targets[i] != 0 ? high : low);
      const double weight = p * (1 - p);
      g0 += error * logits[i];
      g1 += error;
      h00 += weight * logits[i] * logits[i];
      h01 += weight * logits[i];
      h11 += weight;
    }
    const double determinant = h00 * h11 - h01 * h01;
    if (!(std::abs(determinant) > 1e-18)) break;
    const double d0 = (h11 * g0 - h01 * g1) / determinant;
    const double d1 = (h00 * g1 - h01 * g0) / determinant;
    double length = 1;
    PlattScaling next = fit;
    double value = best;
    for (; length > 1e-6; length /= 2) {
      next = {fit.scale - length * d0, fit.offset - length * d1};
      value = loss(next);
      if (value < best) break;
    }
    if (!(value < best)) break;
    const double gain = best - value;
    fit = next;
    best = value;
    if (gain < 1e-10) break;
  }
  // Scores that say nothing, or the opposite: the share alone.
  if (fit.scale <= 0) return {0, logit(positive / (positive + negative))};
  return fit;
}

std::vector<ReliabilityBin> reliability(std::span<const double> probabilities,
                                        std::span<const uint8_t> targets, size_t bins) {
  std::vector<ReliabilityBin> result(bins);
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double place = std::clamp(probabilities[i], 0.0, 1.0) * static_cast<double>(bins);
    ReliabilityBin& bin = result[std::min(static_cast<size_t>(place), bins - 1)];
    ++bin.count;
    bin.said += probabilities[i];
    bin.true_share += targets[i] != 0 ? 1 : 0;
  }
  for (ReliabilityBin& bin : result) {
    if (bin.count == 0) continue;
    bin.said /= static_cast<double>(bin.count);
    bin.true_share /= static_cast<double>(bin.count);
  }
  return result;
}

double calibration_error(std::span<const ReliabilityBin> bins) {
  double sum = 0;
  double count = 0;
  for (const ReliabilityBin& bin : bins) {
    sum += static_cast<double>(bin.count) * std::abs(bin.said - bin.true_share);
    count += static_cast<double>(bin.count);
  }
  return count > 0 ? sum / count : 0;
}

std::string reliability_svg(std::span<const ReliabilityBin> before,
                            std::span<const ReliabilityBin> after, const std::string& title) {
  constexpr double kSize = 320;
  constexpr double kMargin = 40;
  const auto x = [&](double value) { return number(kMargin + value * kSize); };
  const auto y = [&](double value) { return number(kMargin + (1 - value) * kSize); };
  const auto curve = [&](std::span<const ReliabilityBin> bins, const std::string& color) {
    std::string points;
    std::string dots;
    for (const ReliabilityBin& bin : bins) {
      if (bin.count == 0) continue;
      points += x(bin.said) + "," + y(bin.true_share) + " ";
      dots += "<circle cx=\"" + x(bin.said) + "\" cy=\"" + y(bin.true_share) +
              "\" r=\"3\" fill=\"" + color + "\"><title>" + std::to_string(bin.count) +
              "</title></circle>\n";
    }
    return "<polyline fill=\"none\" stroke=\"" + color + "\" points=\"" + points + "\"/>\n" + dots;
  };
  const auto text = [](const std::string& at_x, const std::string& at_y, const std::string& words,
                       const std::string& color = "#333") {
    return "<text x=\"" + at_x + "\" y=\"" + at_y + "\" fill=\"" + color +
           "\" font-family=\"sans-serif\" font-size=\"12\">" + words + "</text>\n";
  };
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"400\">\n"
      "<rect width=\"400\" height=\"400\" fill=\"#fff\"/>\n";
  svg += "<path d=\"M" + x(0) + " " + y(0) + "L" + x(1) + " " + y(1) +
         "\" stroke=\"#bbb\" stroke-dasharray=\"4 3\"/>\n<path d=\"M" + x(0) + " " + y(1) + "V" +
         y(0) + "H" + x(1) + "\" fill=\"none\" stroke=\"#333\"/>\n";
  svg += text("40", "24", title) + text("150", "390", "probability said") +
         text("46", "56", "share that is true");
  svg += text("250", "330", "as it was", "#c43") + text("250", "346", "calibrated", "#27a");
  return svg + curve(before, "#c43") + curve(after, "#27a") + "</svg>\n";
}

double best_f1_threshold(std::span<const double> probabilities, std::span<const uint8_t> targets) {
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  const auto positive = static_cast<double>(std::count(targets.begin(), targets.end(), uint8_t{1}));
  double found = 0;
  double best = 0;
  double threshold = 0.5;
  for (size_t k = 0; k < order.size(); ++k) {
    found += targets[order[k]] != 0 ? 1 : 0;
    const double here = probabilities[order[k]];
    const double next = k + 1 < order.size() ? probabilities[order[k + 1]] : 0;
    const double f1 = 2 * found / (static_cast<double>(k + 1) + positive);
    if (here > next && f1 > best) {
      best = f1;
      threshold = (here + next) / 2;
    }
  }
  return threshold;
}

}  // namespace onmal
