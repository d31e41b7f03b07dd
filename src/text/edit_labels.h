#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// What is to be done with one character of a text, as a label that a tagger can learn (in the
// manner of GECToR; Omelianchuk et al., 2020), in terms of Korean writing:
//   $KEEP, $DELETE
//   $HANGUL       Latin letters typed in the wrong input language: with its neighbours, as Hangul,
//                 where their keys make whole syllables
//   $I_ㅎ $V_ㅐ    the syllable (or lone jamo) with this initial or vowel
//   $F_ㄱ $F_      with this final, or none
//   $REPLACE_abc  these characters instead
// each but the first three perhaps behind $SPACE: a space before the character. $SPACE alone adds
// the space and keeps the character.
inline constexpr std::string_view kKeepLabel = "$KEEP";

// The labels that turn `written` into `meant`, one for each character of `written`; characters are
// aligned by the jamo they share. Applying them gives `meant`, but where a text is to be added and
// there is no character to hold it (both empty).
std::vector<std::string> find_edit_labels(std::string_view written, std::string_view meant);

// What one label makes of a character. A label that does not fit the character keeps it.
std::string apply_edit_label(std::string_view character, std::string_view label);
// All of them: also $HANGUL, by stretches of Latin letters most of which have it. As many labels as
// characters.
std::string apply_edit_labels(std::string_view text, const std::vector<std::string_view>& labels);

// True where the text is one of the labels above.
bool is_edit_label(std::string_view label);
// Labels that any text may need, whatever is counted: $KEEP, $DELETE, $SPACE, $HANGUL and all jamo.
std::vector<std::string> basic_edit_labels();

}  // namespace onmal
