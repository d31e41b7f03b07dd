#include "words/word_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/rng.h"

namespace onmal {
namespace {

double distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

// Points on a plane in five dimensions keep their distances.
TEST(Projection, PcaOfAPlaneKeepsDistances) {
  Rng rng(2);
  std::vector<float> rows;
  std::vector<Point> plane;
  for (int i = 0; i < 40; ++i) {
    const Point p = {3 * rng.normal(), rng.normal()};
    plane.push_back(p);
    const double c = std::sqrt(0.5);
    for (const double value : {c * p.x + 7, c * p.x, c * p.y, -c * p.y, 1.0})
      rows.push_back(static_cast<float>(value));
  }
  const std::vector<Point> points = project_pca(rows, 5);
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = 0; j < i; ++j)
      ASSERT_NEAR(distance(points[i], points[j]), distance(plane[i], plane[j]), 1e-4);
  }
}

// Three bundles of directions come out as three heaps, with any number of threads.
TEST(Projection, TsneKeepsNeighboursTogether) {
  Rng rng(4);
  std::vector<float> rows;
  for (int i = 0; i < 60; ++i) {
    for (int k = 0; k < 10; ++k)
      rows.push_back(static_cast<float>((k == i % 3 ? 3 : 0) + 0.3 * rng.normal()));
  }
  ThreadPool one(1);
  ThreadPool two(2);
  const std::vector<Point> points = project_tsne(rows, 10, {}, one);
  for (size_t i = 0; i < points.size(); ++i) {
    size_t nearest = i == 0 ? 1 : 0;
    for (size_t j = 0; j < points.size(); ++j) {
      if (j != i && distance(points[i], points[j]) < distance(points[i], points[nearest]))
        nearest = j;
    }
    EXPECT_EQ(nearest % 3, i % 3);
  }
  const std::vector<Point> again = project_tsne(rows, 10, {}, two);
  for (size_t i = 0; i < points.size(); ++i) EXPECT_EQ(points[i].x, again[i].x);
}

TEST(Projection, FewEqualAndTooManyPoints) {
  ThreadPool pool(1);
  const std::vector<float> same(8, 1.0F);
  for (const Point& point : project_tsne(same, 2, {}, pool)) EXPECT_TRUE(std::isfinite(point.x));
  for (const Point& point : project_pca(same, 2)) EXPECT_EQ(point.x, 0);
  EXPECT_EQ(project_tsne({same.data(), 2}, 2, {}, pool).size(), 1U);
  const std::vector<float> many(kMostTsnePoints + 1);
  EXPECT_THROW(project_tsne(many, 1, {}, pool), Error);
}

TEST(WordMapTest, LabelsDoNotOverlapWhereThereIsRoom) {
  Rng rng(1);
  std::vector<std::string> words;
  std::vector<Point> points;
  for (int i = 0; i < 40; ++i) {
    words.push_back("낱말" + std::to_string(i));
    points.push_back({300 + 200 * rng.uniform(), 300 + 200 * rng.uniform()});
  }
  const std::vector<MapLabel> labels = place_labels(words, points, 800, 800);
  for (size_t i = 0; i < labels.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bool apart = labels[i].x + labels[i].width <= labels[j].x ||
                         labels[j].x + labels[j].width <= labels[i].x ||
                         std::abs(labels[i].y - labels[j].y) >= labels[i].height;
      EXPECT_TRUE(apart) << i << " " << j;
    }
  }
}

TEST(WordMapTest, PicturesAreEscapedAndFinite) {
  const std::string svg = draw_word_map({{"<서울>", "한국"}, {{0, 0}, {0, 0}}, {{0, 1}}, "a & b"});
  EXPECT_THAT(svg, ::testing::HasSubstr("&lt;서울&gt;"));
  EXPECT_THAT(svg, ::testing::HasSubstr("a &amp; b"));
  EXPECT_THAT(svg, ::testing::Not(::testing::HasSubstr("nan")));
}

}  // namespace
}  // namespace onmal
