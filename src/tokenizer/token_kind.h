#pragma once

#include <cstdint>

namespace onmal {

// What a token is; the numbers are those of GGUF's tokenizer.ggml.token_type and of SentencePiece.
enum class TokenKind : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

}  // namespace onmal
