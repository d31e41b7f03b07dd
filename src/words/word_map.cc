#include "words/word_map.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "text/label_width.h"
#include "text/xml_text.h"

namespace onmal {
namespace {

constexpr double kFontSize = 14;
constexpr double kRadius = 3;
constexpr double kMargin = 60;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

struct Box {
  double left, top, right, bottom;
};

Box box_of(const MapLabel& label) {
  return {label.x, label.y - 0.8 * label.height, label.x + label.width,
          label.y + 0.2 * label.height};
}

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

// Label whose box stands in direction `angle` of the point, its near side `distance` away.
MapLabel label_at(Point point, double angle, double distance, double width) {
  const double x = point.x + std::cos(angle) * (distance + width / 2);
  const double y = point.y + std::sin(angle) * (distance + kFontSize / 2);
  return {x - width / 2, y + 0.3 * kFontSize, width, kFontSize};
}

double cost_of(const MapLabel& label, const std::vector<Box>& taken, double width, double height) {
  const Box box = box_of(label);
  double cost = 0;
  for (const Box& other : taken) cost += overlap(box, other);
  const Box picture = {2, 2, width - 2, height - 2};
  const double area = (box.right - box.left) * (box.bottom - box.top);
  return cost + 4 * (area - overlap(box, picture));
}

// Into the picture, both axes by one factor.
std::vector<Point> fit(const std::vector<Point>& points, double width, double height) {
  Point low = {INFINITY, INFINITY};
  Point high = {-INFINITY, -INFINITY};
  for (const Point& point : points) {
    low = {std::min(low.x, point.x), std::min(low.y, point.y)};
    high = {std::max(high.x, point.x), std::max(high.y, point.y)};
  }
  const double scale = std::min((width - 2 * kMargin) / std::max(high.x - low.x, 1e-12),
                                (height - 2 * kMargin) / std::max(high.y - low.y, 1e-12));
  const bool one_place = high.x - low.x < 1e-12 && high.y - low.y < 1e-12;
  std::vector<Point> out;
  for (const Point& point : points) {
    const double x = one_place ? 0 : (point.x - (low.x + high.x) / 2) * scale;
    const double y = one_place ? 0 : (point.y - (low.y + high.y) / 2) * scale;
    out.push_back({width / 2 + x, height / 2 - y});
  }
  return out;
}

}  // namespace

std::vector<MapLabel> place_labels(const std::vector<std::string>& words,
                                   const std::vector<Point>& points, double width, double height) {
  std::vector<Box> taken;
  for (const Point& point : points)
    taken.push_back({point.x - kRadius, point.y - kRadius, point.x + kRadius, point.y + kRadius});
  std::vector<MapLabel> labels;
  for (size_t i = 0; i < words.size(); ++i) {
    const double text = label_width(words[i], kFontSize);
    MapLabel best = label_at(points[i], 0, kRadius + 2, text);
    double least = INFINITY;
    for (double distance = kRadius + 2; distance < 90 && least > 0; distance += 12) {
      for (int direction = 0; direction < 16 && least > 0; ++direction) {
        const MapLabel label =
            label_at(points[i], direction * 3.14159265358979 / 8, distance, text);
        const double cost = cost_of(label, taken, width, height);
        if (cost < least) {
          least = cost;
          best = label;
        }
      }
    }
    taken.push_back(box_of(best));
    labels.push_back(best);
  }
  return labels;
}

std::string draw_word_map(const WordMap& map) {
  ONMAL_ASSERT(map.words.size() == map.points.size());
  const double side =
      std::clamp(60 * std::sqrt(static_cast<double>(map.words.size())) + 300, 500.0, 4000.0);
  const double width = 1.3 * side;
  const std::vector<Point> points = fit(map.points, width, side);
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" +
      number(side) +
      "\" font-family=\"'Noto Sans KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif\" "
      "font-size=\"" +
      number(kFontSize) +
      "\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"12\" y=\"22\" "
      "fill=\"#555\">" +
      xml_text(map.title) + "</text>\n";
  for (const auto& [a, b] : map.lines) {
    out += "<line x1=\"" + number(points[a].x) + "\" y1=\"" + number(points[a].y) + "\" x2=\"" +
           number(points[b].x) + "\" y2=\"" + number(points[b].y) +
           "\" stroke=\"#9bb\" stroke-dasharray=\"4 3\"/>\n";
  }
  const std::vector<MapLabel> labels = place_labels(map.words, points, width, side);
  for (size_t i = 0; i < map.words.size(); ++i) {
    const MapLabel& label = labels[i];
    const double middle = label.x + label.width / 2;
    const bool far = std::hypot(std::max(std::abs(middle - points[i].x) - label.width / 2, 0.0),
                                label.y - points[i].y) > 24;
    if (far) {
      out += "<line x1=\"" + number(points[i].x) + "\" y1=\"" + number(points[i].y) + "\" x2=\"" +
             number(middle) + "\" y2=\"" + number(label.y - 0.3 * kFontSize) +
             "\" stroke=\"#ccc\"/>\n";
    }
    out += "<circle cx=\"" + number(points[i].x) + "\" cy=\"" + number(points[i].y) + "\" r=\"" +
           number(kRadius) + "\" fill=\"#1d4e89\"/>\n<text x=\"" + number(label.x) + "\" y=\"" +
           number(label.y) + "\">" + xml_text(map.words[i]) + "</text>\n";
  }
  return out + "</svg>\n";
}

}  // namespace onmal
