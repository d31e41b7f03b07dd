#pragma once

#include <string_view>

namespace onmal {

// U+2581, by which SentencePiece's tokenizers write a space within a piece.
inline constexpr std::string_view kMarkedSpace = "\xE2\x96\x81";

}  // namespace onmal
