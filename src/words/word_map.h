#pragma once

#include <string>
#include <utility>
#include <vector>

#include "words/projection.h"

namespace onmal {

struct MapLabel {
  double x, y;  // of the text's left end and base line, pixels
  double width, height;
};

struct WordMap {
  std::vector<std::string> words;
  std::vector<Point> points;                     // in any unit
  std::vector<std::pair<size_t, size_t>> lines;  // words that belong together
  std::string title;
};

// Places for the words' labels in a picture of width × height, beside their points (in pixels):
// where none of a few dozen places is free, the one that covers the least. Words come first come,
// first served.
std::vector<MapLabel> place_labels(const std::vector<std::string>& words,
                                   const std::vector<Point>& points, double width, double height);

// The words as an SVG picture. Axes have no unit and are not drawn.
std::string draw_word_map(const WordMap& map);

}  // namespace onmal
