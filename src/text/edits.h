#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// A change of a sequence: elements [begin, end) of the first become [to_begin, to_end) of the
// other.
struct SequenceEdit {
  size_t begin, end;
  size_t to_begin, to_end;

  bool operator==(const SequenceEdit&) const = default;
};

// The fewest changed elements between two sequences (replaced, removed and added ones cost 1),
// neighbouring changes joined. Equal pairs give equal places: a change stands as far behind as it
// can. Time and memory grow with the product of what differs in the middle. Throws
// Error(kResource) for sequences too long to compare.
std::vector<SequenceEdit> find_sequence_edits(std::span<const uint32_t> from,
                                              std::span<const uint32_t> to);

// A change of a text: bytes [begin, end) become `to`.
struct TextChange {
  size_t begin, end;
  std::string to;

  bool operator==(const TextChange&) const = default;
};

// The same by characters of two texts (UTF-8; other bytes are characters of their own).
std::vector<TextChange> find_text_changes(std::string_view from, std::string_view to);

// Changes widened to the words (stretches without white space) that they touch and joined where
// they touch the same one, for readers: "안되요" to "안 돼요", not an added space and a vowel.
std::vector<TextChange> widen_to_words(std::string_view from, std::span<const TextChange> changes);

// The text after the changes, which must be in order and apart.
std::string apply_changes(std::string_view from, std::span<const TextChange> changes);

}  // namespace onmal
