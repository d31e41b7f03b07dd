#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace onmal {

// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
class Sha256 {
 public:
  void add(std::span<const std::byte> bytes);
  // Hexadecimal, lower case. Nothing may be added afterwards.
  std::string finish();

 private:
  void block(const uint8_t* bytes);

  std::array<uint32_t, 8> state_ = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
  std::array<uint8_t, 64> waiting_{};
  uint64_t size_ = 0;
};

// SHA-1 (FIPS 180-4), by which git names what is not kept outside of it.
class Sha1 {
 public:
  void add(std::span<const std::byte> bytes);
  std::string finish();

 private:
  void block(const uint8_t* bytes);

  std::array<uint32_t, 5> state_ = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  std::array<uint8_t, 64> waiting_{};
  uint64_t size_ = 0;
};

}  // namespace onmal
