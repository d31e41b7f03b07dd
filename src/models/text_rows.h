#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// Texts packed into rows, several to a row where they fit, each seeing only itself; what is left of
// a row is filler that sees only itself.
struct TextRows {
  Tensor ids, positions, first_keys, key_ends;  // i32 [R, L]
  Tensor types = {};  // undefined, or i32 [R, L]: 1 in the second text of a pair (text_pair.h)
  struct Text {
    int64_t begin, end;  // tokens of it, counted through all rows
  };
  std::vector<Text> texts;  // in the order they came
  int64_t tokens = 0;       // without filler
};

// Rows of at most `length` tokens; they are no longer than the fullest one. A text that is longer
// is our own mistake: see fit_text. With `one_a_row` each text gets a row (models that count
// positions along the row). `second_parts`: where in each text its second part begins (a pair's
// second text), for models that tell them apart; none: types stay undefined.
TextRows pack_rows(Allocator& memory, std::span<const std::vector<int32_t>> texts, int64_t length,
                   int32_t filler, bool one_a_row = false,
                   std::span<const int64_t> second_parts = {});

// At most `limit` of the ids. A cut text keeps the special tokens at its end.
std::vector<int32_t> fit_text(const std::vector<int32_t>& ids, int64_t limit,
                              const Tokenizer* tokenizer);

}  // namespace onmal
