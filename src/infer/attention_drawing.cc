#include <algorithm>
#include <cstdio>
#include <string>

#include "base/error.h"
#include "infer/attention_view.h"
#include "text/label_width.h"
#include "text/xml_text.h"

namespace onmal {
namespace {

constexpr double kFontSize = 13;
constexpr double kLine = 20;     // pixels of a label's line
constexpr double kLeast = 0.02;  // weights below draw no line
constexpr const char* kInk = "#1d4e89";

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string svg_begin(double width, double height) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" +
         number(height) +
         "\" font-family=\"'Noto Sans KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif\" "
         "font-size=\"" +
         number(kFontSize) + "\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view label,
                    const std::string& more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\"" + more + ">" + xml_text(label) + "</text>\n";
}

std::string cell(double x, double y, double size, double weight, const std::string& title = "") {
  std::string out = "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
                    number(size) + "\" height=\"" + number(size) + "\" fill=\"" + kInk +
                    "\" fill-opacity=\"" + number(weight) + "\"";
  return title.empty() ? out + "/>\n" : out + "><title>" + xml_text(title) + "</title></rect>\n";
}

std::string draw_lines(const AttentionMap& map, size_t head, double left, double right,
                       double top) {
  std::string out;
  for (int64_t query = 0; query < map.queries; ++query) {
    for (int64_t key = 0; key < map.keys; ++key) {
      const auto weight = static_cast<double>(map.at(head, query, key));
      if (weight < kLeast) continue;
      out += "<line x1=\"" + number(left) + "\" y1=\"" +
             number(top + kLine * static_cast<double>(query)) + "\" x2=\"" + number(right) +
             "\" y2=\"" + number(top + kLine * static_cast<double>(key)) + "\" stroke=\"" + kInk +
             "\" stroke-width=\"2\" stroke-opacity=\"" + number(weight) + "\"/>\n";
    }
  }
  return out;
}

void check_cells(uint64_t cells) {
  constexpr uint64_t kMostCells = 400'000;
  if (cells > kMostCells) {
    throw Error(ErrorCode::kResource, "attention picture",
                std::to_string(cells) + " cells are too many to draw",
                "choose one layer or head, a shorter text, or group by word");
  }
}

}  // namespace

std::string draw_head(const AttentionMap& map, size_t head,
                      const std::vector<std::string>& labels) {
  ONMAL_ASSERT(static_cast<int64_t>(labels.size()) == map.queries && map.queries == map.keys);
  check_cells(static_cast<uint64_t>(map.queries * map.keys));
  double widest = 0;
  for (const std::string& label : labels) widest = std::max(widest, label_width(label, kFontSize));
  const auto count = static_cast<double>(labels.size());
  constexpr double kMargin = 16;
  constexpr double kLinesWidth = 180;
  const double left = kMargin + widest + 6;
  const double right = left + kLinesWidth;
  const double matrix = right + 2 * widest + 3 * kMargin;
  const double top = 2 * kMargin + kLine + widest;
  std::string out = svg_begin(matrix + kLine * count + kMargin, top + kLine * count + kMargin);
  out +=
      text_at(kMargin, kMargin + 4, "start",
              "layer " + std::to_string(map.layer) + ", head " + std::to_string(map.heads[head]));
  const double middle = top + kLine / 2;
  out += draw_lines(map, head, left, right, middle);
  for (size_t i = 0; i < labels.size(); ++i) {
    const double at = kLine * static_cast<double>(i);
    const double base = middle + at + 5;
    out += text_at(left - 4, base, "end", labels[i]);
    out += text_at(right + 4, base, "start", labels[i]);
    out += text_at(matrix - 6, base, "end", labels[i]);
    const double x = matrix + at + kLine / 2 + 4;
    out += text_at(x, top - 6, "start", labels[i],
                   " transform=\"rotate(-90 " + number(x) + " " + number(top - 6) + ")\"");
  }
  for (int64_t query = 0; query < map.queries; ++query) {
    for (int64_t key = 0; key < map.keys; ++key) {
      const auto weight = static_cast<double>(map.at(head, query, key));
      if (weight < 0.005) continue;
      out += cell(matrix + kLine * static_cast<double>(key),
                  top + kLine * static_cast<double>(query), kLine, weight,
                  labels[static_cast<size_t>(query)] + " → " + labels[static_cast<size_t>(key)] +
                      ": " + number(weight));
    }
  }
  return out + "</svg>\n";
}

std::string draw_heads(const std::vector<AttentionMap>& maps) {
  uint64_t cells = 0;
  size_t columns = 0;
  int64_t units = 1;
  for (const AttentionMap& map : maps) {
    cells += map.weights.size();
    columns = std::max(columns, map.heads.size());
    units = std::max(units, map.queries);
  }
  check_cells(cells);
  const double side = std::clamp(2.0 * static_cast<double>(units), 120.0, 400.0);
  const double size = side / static_cast<double>(units);
  constexpr double kGap = 24;
  std::string out = svg_begin(kGap + (side + kGap) * static_cast<double>(columns),
                              kGap + (side + kGap) * static_cast<double>(maps.size()));
  for (size_t row = 0; row < maps.size(); ++row) {
    const AttentionMap& map = maps[row];
    for (size_t head = 0; head < map.heads.size(); ++head) {
      const double x = kGap + (side + kGap) * static_cast<double>(head);
      const double y = kGap + (side + kGap) * static_cast<double>(row);
      std::string name = "L";
      name += std::to_string(map.layer) + " H" + std::to_string(map.heads[head]);
      out += text_at(x, y - 5, "start", name);
      out += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(side) +
             "\" height=\"" + number(side) + "\" fill=\"none\" stroke=\"#bbb\"/>\n";
      for (int64_t query = 0; query < map.queries; ++query) {
        for (int64_t key = 0; key < map.keys; ++key) {
          const auto weight = static_cast<double>(map.at(head, query, key));
          if (weight >= kLeast)
            out += cell(x + size * static_cast<double>(key), y + size * static_cast<double>(query),
                        size, weight);
        }
      }
    }
  }
  return out + "</svg>\n";
}

}  // namespace onmal
