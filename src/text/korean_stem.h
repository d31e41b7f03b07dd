#pragma once

#include <string>
#include <string_view>

namespace onmal {

// A Korean word without what grammar hangs on it. Rules on syllables, no dictionary: what cannot be
// told without one (a noun that ends like a particle) is decided for the commoner case, the same
// way in texts and in queries.
struct KoreanStem {
  // The word without particles, and without 하다 or 되다 and their endings behind a noun: what
  // compounds and titles would say (학교에서는 → 학교, 연구했습니다 → 연구).
  std::u32string noun;
  // Read as a verb or an adjective, its stem (키웠습니다 → 키우); the same as `noun` when it does
  // not look like one.
  std::u32string predicate;
};

// `word`: composed syllables only (NFC), at least one.
KoreanStem stem_korean(std::u32string_view word);

// True when a run of syllables right behind a foreign word, a number or a sign is nothing but
// particles or the copula (API를, 2023에서는, GPU입니다).
bool is_only_particles(std::u32string_view syllables);

}  // namespace onmal
