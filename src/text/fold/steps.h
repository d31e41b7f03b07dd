#pragma once

#include "text/fold/mapped_text.h"

namespace onmal {

// Steps of normalisation. Each takes a text and gives one whose characters know the same original.
// They make texts comparable, for searching a word that somebody disguised; none is for showing.

// NFKC for each cluster of characters, so that sources stay exact: full-width and circled forms,
// decomposed letters. Jamo of every block become compatibility jamo (ㄱ), syllables in parts whole.
MappedText fold_compatibility(const MappedText& text);

// Without what is not seen: zero-width and direction characters, variation selectors, soft hyphens,
// fillers, control characters but line ends and tabs, marks heaped on letters.
MappedText drop_invisible(const MappedText& text);

// Lower case, character by character.
MappedText fold_case(const MappedText& text);

// Letters of other scripts that look like one: Cyrillic and Greek to Latin; Latin letters, digits
// and signs among jamo to the jamo they draw (ㅅl → ㅅㅣ, ^l → ㅅㅣ); frequent Hanja beside Hangul
// to their readings (水 → 수); syllables that stand for lookalikes in slang (야민정음: 댕 and 멍,
// 커 and 귀) to one of the two, which is right for comparing only.
MappedText fold_lookalikes(const MappedText& text);

// Jamo that make syllables by a typist's rules (ㅅㅣㅂㅏㄹ → 시발), and jamo behind an open
// syllable that close it (시ㅂ → 십) unless a vowel follows, which opens the next one with them
// (시ㅂㅏ → 시바).
MappedText compose_jamo(const MappedText& text);

// Without what is wedged between Hangul: up to three signs, digits or Latin letters with no space
// beside them (시1발, 병.신), and the single spaces of a word spelt one syllable at a time (시 발
// 놈).
MappedText drop_wedges(const MappedText& text);

// A run of one character is at most `most` of it; an open syllable that only draws out the vowel
// before it goes (시이이발 → 시발).
MappedText squeeze_repeats(const MappedText& text, size_t most = 2);

// Hangul by its sound, as jamo, other characters as they are: tense and aspirated initials are
// plain (ㄲ ㅋ → ㄱ), ㅐ is ㅔ, ㅚ and ㅙ are ㅞ, ㅢ is ㅣ, y-vowels behind ㅈ and ㅅ are plain;
// finals by their seven sounds; a final before ㅇ begins the next syllable (씹알 and 씨발 are the
// same).
MappedText sound_key(const MappedText& text);

// The initials of syllables, and consonants by themselves: 시발 and ㅅㅂ are the same. Others stay.
MappedText consonant_skeleton(const MappedText& text);

}  // namespace onmal
