#pragma once

#include <cstdint>
#include <string_view>

namespace onmal {

inline constexpr uint64_t kFnv1aStart = 0xCBF29CE484222325ULL;

// FNV-1a of 64 bits; goes on from the hash of what came before. Its low bits are weak.
constexpr uint64_t fnv1a(std::string_view bytes, uint64_t hash = kFnv1aStart) {
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ULL;
  return hash;
}

}  // namespace onmal
