#include "corpus/dedup/units.h"

#include <bit>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "corpus/dedup/mix.h"
#include "corpus/dedup/normal_text.h"
#include "text/hangul.h"

namespace onmal {
namespace {

constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
constexpr uint64_t kBase = 0x0B4C8D3A61F72E95ULL;  // below the prime, else arbitrary
constexpr uint32_t kMostLength = 256;

uint64_t times(uint64_t a, uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  const uint64_t sum =
      (static_cast<uint64_t>(product) & kPrime) + static_cast<uint64_t>(product >> 61);
  return sum >= kPrime ? sum - kPrime : sum;
}

uint64_t plus(uint64_t a, uint64_t b) { return a + b >= kPrime ? a + b - kPrime : a + b; }

enum class UnitKind : uint8_t { kNone, kCharacter, kWord };

UnitKind kind_of(uint32_t code) {
  if (code < 0x80) {
    const uint32_t lower = code | 0x20;
    const bool in_word = (lower >= 'a' && lower <= 'z') || (code >= '0' && code <= '9');
    return in_word ? UnitKind::kWord : UnitKind::kNone;
  }
  if (is_hangul_syllable(code)) return UnitKind::kCharacter;
  if (!is_word_character(code)) return UnitKind::kNone;
  const bool alone = is_hangul(code) || is_han_ideograph(code) ||
                     (code >= 0x3040 && code <= 0x30FF) || (code >= 0x31F0 && code <= 0x31FF);
  return alone ? UnitKind::kCharacter : UnitKind::kWord;
}

uint64_t lower(uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code | 0x20 : code;
  return simple_lowercase(code);
}

}  // namespace

void for_each_unit(std::string_view text, FunctionRef<void(const TextUnit&)> take) {
  std::string buffer;
  text = normalize_by_words(text, NormalForm::kNfkc, buffer);
  constexpr uint64_t kNoWord = 0;
  uint64_t word = kNoWord;
  const auto end_word = [&] {
    if (word != kNoWord) take({mix_bits(word), true});
    word = kNoWord;
  };
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_character(text, i);
    i += c.length;
    const UnitKind kind = c.valid ? kind_of(c.code) : UnitKind::kNone;
    if (kind == UnitKind::kWord) {
      word = ((word ^ lower(c.code)) + 1) * 0x9E6C63D0876A9A67ULL;
      word = (word ^ (word >> 29)) | (uint64_t{1} << 63);
      continue;
    }
    end_word();
    if (kind == UnitKind::kCharacter) take({mix_bits(c.code), false});
  }
  end_word();
}

UnitWindow::UnitWindow(const WindowLength& length)
    : word_weight_(length.characters),
      character_weight_(length.words),
      needed_(length.characters * length.words),
      units_(kMostUnits) {
  if (length.characters < 1 || length.words < 1 || length.characters > kMostLength ||
      length.words > kMostLength) {
    throw Error(ErrorCode::kInvalidArgument, "deduplication",
                "windows of " + std::to_string(length.characters) + " characters and " +
                    std::to_string(length.words) + " words",
                "choose both from 1 to " + std::to_string(kMostLength));
  }
  powers_ = {1};
  while (powers_.size() <= kMostLength) powers_.push_back(times(powers_.back(), kBase));
}

void UnitWindow::append(const TextUnit& unit) {
  units_[(first_ + count_) % kMostUnits] = unit;
  ++count_;
  ++total_;
  weight_ += weight_of(unit);
  polynomial_ = plus(times(polynomial_, kBase), unit.hash >> 3);
}

void UnitWindow::drop_first() {
  const TextUnit& unit = units_[first_];
  const uint64_t part = times(unit.hash >> 3, powers_[count_ - 1]);
  polynomial_ = plus(polynomial_, kPrime - part);
  weight_ -= weight_of(unit);
  first_ = (first_ + 1) % kMostUnits;
  --count_;
}

uint64_t UnitWindow::hash() const { return mix_bits(polynomial_); }

Fingerprint UnitWindow::fingerprint_of_last(size_t count) const {
  ONMAL_ASSERT(count <= kMostUnits && count <= total_);
  Fingerprint result{count, ~uint64_t{count}};
  const size_t end = first_ + count_ + kMostUnits;
  for (size_t i = end - count; i < end; ++i) {
    const uint64_t unit = units_[i % kMostUnits].hash;
    result.high = mix_bits(result.high ^ unit);
    result.low = mix_bits(result.low + std::rotl(unit, 32)) * 0xA24BAED4963EE407ULL;
  }
  return result;
}

}  // namespace onmal
