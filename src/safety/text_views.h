#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "text/fold/mapped_text.h"

namespace onmal {

// One text as it is compared with the lexicon, from nearly as written to by sound alone.
enum class View : uint8_t {
  kPlain,      // compatibility forms, nothing invisible, lower case
  kComposed,   // jamo made syllables
  kJoined,     // what is wedged between letters gone, repeats squeezed
  kDrawn,      // look-alikes folded, too
  kSpaceless,  // as drawn, no spaces between Hangul
  kSound,      // as drawn, by its sound
  kLoose,      // by sound, vowels without y and w, doubled consonants once
  kLetters,    // as drawn, loosely, jamo left alone: initials for syllables (ㅅ발)
  kLatin,      // digits and signs as Latin letters, nothing wedged between
  kBare,       // signs between Latin letters left out, not read as letters
  kSqueezed,   // as Latin, each run of a letter one
};
inline constexpr size_t kViewCount = 11;

std::string_view view_name(View view);
// How far a hit in this view is to be believed, 1 where the word stands as it is.
float view_confidence(View view);

// A text in all views. Words that somebody typed with the keyboard in Latin (tlqkf) follow in
// Hangul behind the text, each syllable with the whole word as its source. Views that would show
// nothing new are empty.
using TextViews = std::array<MappedText, kViewCount>;
TextViews make_views(std::string_view text);

// A word of the lexicon as it looks in a view; empty where it has no such look.
MappedText view_of_word(std::string_view word, View view);

}  // namespace onmal
