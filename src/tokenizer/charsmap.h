#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// SentencePiece's "precompiled_charsmap": strings and what they are normalised to, as a double
// array trie (Darts: a unit holds its label in bits 0 to 7, whether a value hangs on it in bit 8,
// and the offset to its children in bits 10 to 30, times 256 when bit 9 is set) with 4 bytes of its
// size before it and the replacements, each ended by a zero, behind it.
class Charsmap {
 public:
  struct Match {
    size_t length = 0;  // of the text replaced; 0: none
    std::string_view replacement;
  };

  // Throws Error(kBadFile) naming `where` when the sizes contradict each other.
  Charsmap(std::string_view blob, const std::string& where);

  // The longest, or the shortest, string that `text` begins with. Units and replacements that point
  // outside the blob count as no match.
  Match longest(std::string_view text) const { return find(text, false); }
  Match shortest(std::string_view text) const { return find(text, true); }

  const std::string& blob() const { return blob_; }

 private:
  Match find(std::string_view text, bool shortest) const;

  std::string blob_;
  std::vector<uint32_t> units_;
  std::string_view replacements() const;
};

}  // namespace onmal
