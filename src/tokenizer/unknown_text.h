#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/subword_model.h"

namespace onmal {

// How a model writes text that it has no token for.
class UnknownText {
 public:
  explicit UnknownText(const SubwordDefinition& definition)
      : unknown_id_(definition.unknown_id), fuse_(definition.fuse_unknown) {
    if (definition.byte_fallback) bytes_ = find_byte_tokens(definition.texts);
  }

  // Whether every byte of `text` has a token.
  bool has_bytes(std::string_view text) const {
    for (const char c : text) {
      if (bytes_[static_cast<uint8_t>(c)] < 0) return false;
    }
    return true;
  }
  // Appends byte tokens; else the unknown token, once for a run of them (`first`: index in `ids`
  // where the stretch begins); nothing when there is neither.
  void append(std::string_view text, size_t first, std::vector<int32_t>& ids) const {
    if (has_bytes(text)) {
      for (const char c : text) ids.push_back(bytes_[static_cast<uint8_t>(c)]);
    } else if (unknown_id_ >= 0 && !(fuse_ && ids.size() > first && ids.back() == unknown_id_)) {
      ids.push_back(unknown_id_);
    }
  }

 private:
  int32_t unknown_id_;
  bool fuse_;
  std::array<int32_t, 256> bytes_ = make_empty();

  static constexpr std::array<int32_t, 256> make_empty() {
    std::array<int32_t, 256> empty{};
    for (int32_t& id : empty) id = -1;
    return empty;
  }
};

}  // namespace onmal
