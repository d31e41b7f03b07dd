#include "models/text_rows.h"

#include <algorithm>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kOpenRows = 32;  // rows that are still being filled
constexpr int64_t kRoundTo = 16;   // so that few sizes of memory are asked for

struct Spot {
  int64_t row, begin;
};

// First fit among the last open rows.
std::vector<Spot> place_texts(std::span<const std::vector<int32_t>> texts, int64_t length,
                              bool one_a_row, std::vector<int64_t>& used) {
  std::vector<Spot> spots;
  for (const std::vector<int32_t>& text : texts) {
    const auto size = static_cast<int64_t>(text.size());
    ONMAL_ASSERT(size > 0 && size <= length);
    const auto rows = static_cast<int64_t>(used.size());
    int64_t row = one_a_row ? rows : std::max<int64_t>(0, rows - kOpenRows);
    while (row < rows && used[static_cast<size_t>(row)] + size > length) ++row;
    if (row == rows) used.push_back(0);
    spots.push_back({row, used[static_cast<size_t>(row)]});
    used[static_cast<size_t>(row)] += size;
  }
  return spots;
}

}  // namespace

TextRows pack_rows(Allocator& memory, std::span<const std::vector<int32_t>> texts, int64_t length,
                   int32_t filler, bool one_a_row, std::span<const int64_t> second_parts) {
  std::vector<int64_t> used;
  const std::vector<Spot> spots = place_texts(texts, length, one_a_row, used);
  ONMAL_ASSERT(!used.empty());
  const int64_t fullest = *std::max_element(used.begin(), used.end());
  const int64_t width = std::min(length, (fullest + kRoundTo - 1) / kRoundTo * kRoundTo);
  const Shape shape{static_cast<int64_t>(used.size()), width};
  TextRows rows;
  for (Tensor* tensor : {&rows.ids, &rows.positions, &rows.first_keys, &rows.key_ends})
    *tensor = Tensor::empty(memory, shape, DType::kI32);
  if (!second_parts.empty()) {
    ONMAL_ASSERT(second_parts.size() == texts.size());
    rows.types = Tensor::zeros(memory, shape, DType::kI32);
  }
  for (int64_t i = 0; i < shape.elements(); ++i) {
    rows.ids.i32()[i] = filler;
    rows.positions.i32()[i] = 0;
    rows.first_keys.i32()[i] = static_cast<int32_t>(i % width);
    rows.key_ends.i32()[i] = static_cast<int32_t>(i % width + 1);
  }
  for (size_t n = 0; n < texts.size(); ++n) {
    const auto size = static_cast<int64_t>(texts[n].size());
    const int64_t begin = spots[n].row * width + spots[n].begin;
    for (int64_t t = 0; t < size; ++t) {
      rows.ids.i32()[begin + t] = texts[n][static_cast<size_t>(t)];
      rows.positions.i32()[begin + t] = static_cast<int32_t>(t);
      rows.first_keys.i32()[begin + t] = static_cast<int32_t>(spots[n].begin);
      rows.key_ends.i32()[begin + t] = static_cast<int32_t>(spots[n].begin + size);
    }
    if (rows.types.defined()) {
      for (int64_t t = second_parts[n]; t < size; ++t) rows.types.i32()[begin + t] = 1;
    }
    rows.texts.push_back({begin, begin + size});
    rows.tokens += size;
  }
  return rows;
}

std::vector<int32_t> fit_text(const std::vector<int32_t>& ids, int64_t limit,
                              const Tokenizer* tokenizer) {
  const auto most = static_cast<size_t>(limit);
  if (ids.size() <= most) return ids;
  size_t tail = 0;
  while (tokenizer != nullptr && tail + 1 < most &&
         tokenizer->is_special(ids[ids.size() - 1 - tail])) {
    ++tail;
  }
  std::vector<int32_t> kept(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(most - tail));
  kept.insert(kept.end(), ids.end() - static_cast<std::ptrdiff_t>(tail), ids.end());
  return kept;
}

}  // namespace onmal
