#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "text/utf8.h"

namespace onmal {

// Korean and English words between signs, odd spaces, other scripts and bytes that are no UTF-8:
// what quick ways of reading must not stumble over.
inline std::string random_text(Rng& rng, size_t pieces) {
  static constexpr auto kOdd = std::to_array<std::string_view>({"  ",
                                                                " ",
                                                                "\n",
                                                                "\t",
                                                                "\r\n",
                                                                "\x0B",
                                                                "\x01",
                                                                "\u00A0",
                                                                "\u3000",
                                                                "\u2028",
                                                                "\u0085",
                                                                "“",
                                                                "”",
                                                                "…",
                                                                "·",
                                                                "é",
                                                                "e\u0301",
                                                                "Ａ",
                                                                "０",
                                                                "漢",
                                                                "かな",
                                                                "ㅋㅋ",
                                                                "\u1100\u1161",
                                                                "가\u11A8",
                                                                "ﬁ",
                                                                "Ⅳ",
                                                                "😀",
                                                                "\u0301",
                                                                "힣",
                                                                "ퟻ",
                                                                "占쏙옙",
                                                                "Ã©",
                                                                "\xEA",
                                                                "\xEC\x8F",
                                                                "\x80",
                                                                "\xFF",
                                                                "\xED\xA0\x80",
                                                                "\xEA\x80\x80",
                                                                "_",
                                                                "="});
  std::string text;
  for (size_t i = 0; i < pieces; ++i) {
    const uint64_t kind = rng.below(8);
    const uint64_t length = 1 + rng.below(kind == 7 ? 40 : 9);
    for (uint64_t k = 0; kind != 0 && k < length; ++k) {
      if (kind % 2 == 0)
        append_utf8(static_cast<uint32_t>(0xAC00 + rng.below(11172)), text);
      else
        text += static_cast<char>((kind == 1 ? 'A' : 'a') + rng.below(26));
    }
    if (kind == 0) text += kOdd[rng.below(kOdd.size())];
    constexpr std::string_view kBetween = "   .,1!?-";
    if (rng.below(3) != 0) text += kBetween[rng.below(kBetween.size())];
    if (rng.below(3) != 0) text += ' ';
  }
  return text;
}

}  // namespace onmal
