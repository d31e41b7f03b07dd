#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentences.h"

namespace onmal {

// Whether a clause denies what it says (않, 못, 없, 아니, standing 안; not, no, never, n't). An
// even number of denials cancels out; kOpen: 없이, without, 뿐만 아니라 and the like, which deny a
// part.
enum class Polarity : uint8_t { kSaid, kDenied, kOpen };
Polarity polarity(std::string_view clause);
// The words that deny, each whole.
std::vector<TextSpan> denying_words(std::string_view clause);

// Two words of opposite sense (늘어난/줄어든, before/after), whole: one text has as many of both
// together as the other, but not as many of each.
struct Opposites {
  std::string claim, evidence;
};
std::optional<Opposites> find_opposites(std::string_view claim, std::string_view evidence);

// What a name is, so that only names of a kind are compared.
enum class NameKind : uint8_t {
  kWeekday,  // 월요일, Monday
  kPlace,    // a country or a well-known city
  kPerson,   // surname, two syllables and a title: 박철수 대리
  kFeature,  // that ends like another: 두만강, 쑹화강
  kCalled,   // X(이)라는 Y
  kCapital,  // of English: capitals within a sentence
};

struct NamedThing {
  NameKind kind;
  std::string name;  // without particles, as written
  // What two names must share to be one instead of the other: the level of a place, and its
  // particle and the word behind (Korean), or the word before (English).
  std::string role;
  TextSpan span{0, 0};  // bytes of the text
};
std::vector<NamedThing> find_names(std::string_view text);

}  // namespace onmal
