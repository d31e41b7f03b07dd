#include "corpus/dedup/units.h"

#include <bit>
#include <string>

#include "base/error.h"
#include "corpus/dedup/unit_scan.h"
#include "text/hangul.h"

namespace onmal {

UnitKind wide_unit_kind(uint32_t code) {
  if (!is_word_character(code)) return UnitKind::kNone;
  const bool alone = is_hangul(code) || is_han_ideograph(code) ||
                     (code >= 0x3040 && code <= 0x30FF) || (code >= 0x31F0 && code <= 0x31FF);
  return alone ? UnitKind::kCharacter : UnitKind::kWord;
}

void for_each_unit(std::string_view text, FunctionRef<void(const TextUnit&)> take) {
  scan_units(text, [&](uint64_t hash, bool is_word) { take({hash, is_word}); });
}

void check_window(const WindowLength& length) {
  constexpr uint32_t kMost = UnitPolynomial::kMostLength;
  if (length.characters < 1 || length.words < 1 || length.characters > kMost ||
      length.words > kMost) {
    throw Error(ErrorCode::kInvalidArgument, "deduplication",
                "windows of " + std::to_string(length.characters) + " characters and " +
                    std::to_string(length.words) + " words",
                "choose both from 1 to " + std::to_string(kMost));
  }
}

UnitWindow::UnitWindow(const WindowLength& length)
    : word_weight_(length.characters),
      character_weight_(length.words),
      needed_(length.characters * length.words) {
  check_window(length);
}

void UnitWindow::append(const TextUnit& unit) {
  units_[(first_ + count_) % kMostUnits] = unit;
  ++count_;
  ++total_;
  weight_ += weight_of(unit);
  polynomial_ = UnitPolynomial::behind(polynomial_, unit.hash);
}

void UnitWindow::drop_first() {
  const TextUnit& unit = units_[first_];
  const uint64_t part = UnitPolynomial::times(unit.hash >> 3, kUnitPowers[count_ - 1]);
  polynomial_ = UnitPolynomial::plus(polynomial_, UnitPolynomial::kPrime - part);
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
