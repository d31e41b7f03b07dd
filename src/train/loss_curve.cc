#include "train/loss_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace onmal {
namespace {

constexpr double kWidth = 860;
constexpr double kHeight = 440;
constexpr double kLeft = 60;
constexpr double kRight = 800;
constexpr double kTop = 50;
constexpr double kBottom = 380;
constexpr int kTicks = 5;
constexpr size_t kMostPoints = 1500;

std::string number(const char* format, double value) {
  char text[160];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

struct Axis {
  double least = 0;
  double most = 1;

  explicit Axis(const std::vector<CurvePoint>& points) {
    if (points.empty()) return;
    const auto [low, high] = std::minmax_element(
        points.begin(), points.end(),
        [](const CurvePoint& a, const CurvePoint& b) { return a.value < b.value; });
    const double margin = std::max(0.02, 0.05 * (high->value - low->value));
    least = std::max(0.0, low->value - margin);
    most = high->value + margin;
  }
  double y(double value) const {
    return kBottom - (value - least) / (most - least) * (kBottom - kTop);
  }
};

std::string polyline(const std::vector<CurvePoint>& points, const Axis& axis, double last_step,
                     const char* style) {
  const size_t stride = std::max<size_t>(1, points.size() / kMostPoints);
  std::string text = "<polyline fill=\"none\" " + std::string(style) + " points=\"";
  for (size_t i = 0; i < points.size(); i += stride) {
    const double x = kLeft + static_cast<double>(points[i].step) / last_step * (kRight - kLeft);
    text += number("%.1f,", x) + number("%.1f ", axis.y(points[i].value));
  }
  return text + "\"/>\n";
}

// Exponential moving average over about 2 % of the run.
std::vector<CurvePoint> smoothed(const std::vector<CurvePoint>& points) {
  const double weight = 2.0 / (std::max(2.0, 0.02 * static_cast<double>(points.size())) + 1.0);
  std::vector<CurvePoint> result = points;
  for (size_t i = 1; i < result.size(); ++i) {
    result[i].value = weight * points[i].value + (1 - weight) * result[i - 1].value;
  }
  return result;
}

std::string text_at(double x, double y, const char* anchor, const std::string& content) {
  return number("<text x=\"%.1f\"", x) + number(" y=\"%.1f\"", y) + " text-anchor=\"" + anchor +
         "\">" + content + "</text>\n";
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

std::string draw_loss_curve(const LossCurve& curve) {
  const Axis loss(curve.loss);
  const Axis bits(curve.heldout);
  const double last =
      curve.loss.empty() ? 1.0 : std::max<double>(1.0, static_cast<double>(curve.loss.back().step));
  std::string svg =
      number("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\"", kWidth) +
      number(" height=\"%.0f\" font-family=\"sans-serif\" font-size=\"12\">\n", kHeight) +
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  svg += "<g font-size=\"15\">" + text_at(kLeft, 28, "start", escaped(curve.title)) + "</g>\n";
  for (int i = 0; i <= kTicks; ++i) {
    const double share = static_cast<double>(i) / kTicks;
    const double y = kBottom - share * (kBottom - kTop);
    const double x = kLeft + share * (kRight - kLeft);
    svg += number("<line x1=\"%.1f\"", kLeft) + number(" x2=\"%.1f\"", kRight) +
           number(" y1=\"%.1f\"", y) + number(" y2=\"%.1f\" stroke=\"#ddd\"/>\n", y);
    svg += text_at(kLeft - 6, y + 4, "end",
                   number("%.2f", loss.least + share * (loss.most - loss.least)));
    if (!curve.heldout.empty()) {
      svg += text_at(kRight + 6, y + 4, "start",
                     number("%.3f", bits.least + share * (bits.most - bits.least)));
    }
    svg += text_at(x, kBottom + 18, "middle", number("%.0f", share * last));
  }
  svg += polyline(curve.loss, loss, last, "stroke=\"#b8cfe8\" stroke-width=\"1\"");
  svg += polyline(smoothed(curve.loss), loss, last, "stroke=\"#1f5fa8\" stroke-width=\"2\"");
  svg += polyline(curve.heldout, bits, last, "stroke=\"#c0392b\" stroke-width=\"2\"");
  svg += text_at((kLeft + kRight) / 2, kBottom + 40, "middle", "step");
  svg += "<g fill=\"#1f5fa8\">" +
         text_at(kLeft, kTop - 6, "start", "training loss, " + escaped(curve.loss_unit)) + "</g>\n";
  std::string measure = curve.measure;
  std::replace(measure.begin(), measure.end(), '_', ' ');
  svg += "<g fill=\"#c0392b\">" + text_at(kRight, kTop - 6, "end", "held-out " + escaped(measure)) +
         "</g>\n";
  return svg + "</svg>\n";
}

}  // namespace onmal
