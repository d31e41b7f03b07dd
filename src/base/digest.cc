#include "base/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace onmal {
namespace {

uint32_t big_endian(const uint8_t* bytes) {
  return static_cast<uint32_t>(bytes[0]) << 24 | static_cast<uint32_t>(bytes[1]) << 16 |
         static_cast<uint32_t>(bytes[2]) << 8 | static_cast<uint32_t>(bytes[3]);
}

// Cuts what comes into blocks of 64 bytes.
template <typename Block>
void add_blocks(std::span<const std::byte> bytes, std::array<uint8_t, 64>& waiting, uint64_t& size,
                Block block) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  while (left > 0) {
    const auto held = static_cast<size_t>(size % 64);
    if (held == 0 && left >= 64) {
      block(data);
      data += 64;
      left -= 64;
      size += 64;
      continue;
    }
    const size_t taken = std::min(left, 64 - held);
    std::memcpy(waiting.data() + held, data, taken);
    data += taken;
    left -= taken;
    size += taken;
    if (size % 64 == 0) block(waiting.data());
  }
}

// The padding of both: a bit, zeros, the length in bits.
template <typename Digest>
void add_padding(Digest& digest, uint64_t size) {
  std::array<std::byte, 72> padding{};
  padding[0] = std::byte{0x80};
  const size_t zeros = static_cast<size_t>((119 - size % 64) % 64);
  for (size_t i = 0; i < 8; ++i) {
    padding[1 + zeros + i] = static_cast<std::byte>(size * 8 >> (56 - 8 * i));
  }
  digest.add(std::span(padding).first(1 + zeros + 8));
}

std::string hexadecimal(std::span<const uint32_t> words) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint32_t word : words) {
    for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
  }
  return text;
}

constexpr std::array<uint32_t, 64> kRounds = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

}  // namespace

void Sha256::block(const uint8_t* bytes) {
  std::array<uint32_t, 64> w;
  for (size_t i = 0; i < 16; ++i) w[i] = big_endian(bytes + 4 * i);
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t a = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    const uint32_t b = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  std::array<uint32_t, 8> s = state_;
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t e = std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25);
    const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    const uint32_t first = s[7] + e + choice + kRounds[i] + w[i];
    const uint32_t a = std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22);
    const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    s = {first + a + majority, s[0], s[1], s[2], s[3] + first, s[4], s[5], s[6]};
  }
  for (size_t i = 0; i < 8; ++i) state_[i] += s[i];
}

void Sha256::add(std::span<const std::byte> bytes) {
  add_blocks(bytes, waiting_, size_, [&](const uint8_t* data) { block(data); });
}

std::string Sha256::finish() {
  add_padding(*this, size_);
  return hexadecimal(state_);
}

void Sha1::block(const uint8_t* bytes) {
  std::array<uint32_t, 80> w;
  for (size_t i = 0; i < 16; ++i) w[i] = big_endian(bytes + 4 * i);
  for (size_t i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  std::array<uint32_t, 5> s = state_;
  for (size_t i = 0; i < 80; ++i) {
    const uint32_t mixed = i < 20   ? ((s[1] & s[2]) | (~s[1] & s[3])) + 0x5A827999
                           : i < 40 ? (s[1] ^ s[2] ^ s[3]) + 0x6ED9EBA1
                           : i < 60 ? ((s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3])) + 0x8F1BBCDC
                                    : (s[1] ^ s[2] ^ s[3]) + 0xCA62C1D6;
    s = {std::rotl(s[0], 5) + mixed + s[4] + w[i], s[0], std::rotl(s[1], 30), s[2], s[3]};
  }
  for (size_t i = 0; i < 5; ++i) state_[i] += s[i];
}

void Sha1::add(std::span<const std::byte> bytes) {
  add_blocks(bytes, waiting_, size_, [&](const uint8_t* data) { block(data); });
}

std::string Sha1::finish() {
  add_padding(*this, size_);
  return hexadecimal(state_);
}

}  // namespace onmal
