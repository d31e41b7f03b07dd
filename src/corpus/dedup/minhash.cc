#include "corpus/dedup/minhash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "corpus/dedup/mix.h"
#include "corpus/dedup/unit_scan.h"

namespace onmal {

namespace {

// The hashes of a UnitWindow that takes one unit after another, by the polynomials of all units so
// far: that of a window is the last one without what was before its first unit.
class ShingleWindow {
 public:
  explicit ShingleWindow(const WindowLength& length)
      : word_weight_(length.characters),
        character_weight_(length.words),
        needed_(length.characters * length.words) {
    places_[0] = {0, 0};
  }

  // Whether the window is long enough.
  bool push(uint64_t unit_hash, bool is_word) {
    const uint32_t weight = is_word ? word_weight_ : character_weight_;
    polynomial_ = UnitPolynomial::behind(polynomial_, unit_hash);
    places_[last_ % kPlaces].weight = weight;
    ++last_;
    places_[last_ % kPlaces].polynomial = polynomial_;
    weight_ += weight;
    while (weight_ >= needed_ + places_[first_ % kPlaces].weight) {
      weight_ -= places_[first_ % kPlaces].weight;
      ++first_;
    }
    return weight_ >= needed_;
  }
  bool is_empty() const { return last_ == 0; }
  uint64_t hash() const {
    const uint64_t before =
        UnitPolynomial::times(places_[first_ % kPlaces].polynomial, kUnitPowers[last_ - first_]);
    return mix_bits(UnitPolynomial::plus(polynomial_, UnitPolynomial::kPrime - before));
  }

 private:
  static constexpr size_t kPlaces = 512;  // more than a window has
  // Between two units: the polynomial of what is before, the weight of the unit behind.
  struct Place {
    uint64_t polynomial;
    uint32_t weight;
  };

  uint32_t word_weight_, character_weight_, needed_;
  uint32_t weight_ = 0;
  uint64_t polynomial_ = 0;
  size_t first_ = 0, last_ = 0;  // the window's places
  std::array<Place, kPlaces> places_;
};

}  // namespace

std::vector<uint64_t> shingle_hashes(std::string_view text, const WindowLength& length) {
  check_window(length);
  ShingleWindow window(length);
  std::vector<uint64_t> hashes;
  hashes.reserve(text.size() / 4);
  scan_units(text, [&](uint64_t unit_hash, bool is_word) {
    if (window.push(unit_hash, is_word)) hashes.push_back(window.hash());
  });
  if (hashes.empty() && !window.is_empty()) hashes.push_back(window.hash());
  return hashes;
}

namespace {

// By so many bits at a time, the lowest first.
template <size_t kBits>
void radix_sort(std::vector<uint32_t>& values) {
  constexpr size_t kPasses = (32 + kBits - 1) / kBits;
  constexpr size_t kBuckets = size_t{1} << kBits;
  std::vector<uint32_t> other(values.size());
  std::vector<uint32_t> counts(kPasses * kBuckets);
  for (const uint32_t value : values) {
    for (size_t pass = 0; pass < kPasses; ++pass)
      ++counts[pass * kBuckets + ((value >> (pass * kBits)) & (kBuckets - 1))];
  }
  for (size_t pass = 0; pass < kPasses; ++pass) {
    uint32_t* place = counts.data() + pass * kBuckets;
    uint32_t before = 0;
    for (size_t i = 0; i < kBuckets; ++i) before += std::exchange(place[i], before);
    for (const uint32_t value : values)
      other[place[(value >> (pass * kBits)) & (kBuckets - 1)]++] = value;
    values.swap(other);
  }
}

}  // namespace

std::vector<uint32_t> shingle_set(std::span<const uint64_t> hashes) {
  std::vector<uint32_t> set(hashes.size());
  std::transform(hashes.begin(), hashes.end(), set.begin(),
                 [](uint64_t hash) { return static_cast<uint32_t>(hash); });
  // Short ones are sorted sooner by comparing, longer ones by more bits at a time.
  if (set.size() < 150 || set.size() > std::numeric_limits<uint32_t>::max()) {
    std::sort(set.begin(), set.end());
  } else if (set.size() < 3000) {
    radix_sort<8>(set);
  } else {
    radix_sort<11>(set);
  }
  set.erase(std::unique(set.begin(), set.end()), set.end());
  return set;
}

double jaccard(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  size_t common = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const uint32_t left = a[i];
    const uint32_t right = b[j];
    common += left == right ? 1 : 0;
    i += left <= right ? 1 : 0;
    j += right <= left ? 1 : 0;
  }
  const size_t together = a.size() + b.size() - common;
  return together == 0 ? 0.0 : static_cast<double>(common) / static_cast<double>(together);
}

std::vector<uint32_t> minhash_signature(std::span<const uint64_t> hashes, size_t size) {
  if (hashes.empty() || size == 0) return {};
  constexpr uint64_t kFree = std::numeric_limits<uint64_t>::max();
  std::vector<uint64_t> least(size, kFree);
  const auto put = [&](size_t at, uint64_t value) { least[at] = std::min(least[at], value); };
  // In rounds 0 … size - 1 a hash falls on any position; in the next `size` on the round's own, so
  // that the end is sure. What an earlier round put somewhere is less than all of a later one.
  const auto place_of = [&](uint64_t x) { return static_cast<size_t>((x >> 32) * size >> 32); };
  for (const uint64_t hash : hashes) put(place_of(hash), static_cast<uint32_t>(hash));
  for (uint64_t round = 1; std::find(least.begin(), least.end(), kFree) != least.end(); ++round) {
    const uint64_t offset = round * 0xD1B54A32D192ED03ULL;
    for (const uint64_t hash : hashes) {
      const uint64_t x = mix_bits(hash + offset);
      put(round < size ? place_of(x) : round - size, round << 32 | static_cast<uint32_t>(x));
    }
  }
  std::vector<uint32_t> signature(size);
  std::transform(least.begin(), least.end(), signature.begin(),
                 [](uint64_t value) { return static_cast<uint32_t>(mix_bits(value)); });
  return signature;
}

double estimate_jaccard(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  if (a.empty() || b.empty()) return 0.0;
  ONMAL_ASSERT(a.size() == b.size());
  size_t equal = 0;
  for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

double Bands::chance(double similarity) const {
  const double band = std::pow(similarity, static_cast<double>(rows));
  return 1.0 - std::pow(1.0 - band, static_cast<double>(bands));
}

Bands choose_bands(size_t size, double threshold, double recall) {
  const bool sane =
      size > 0 && size <= 65536 && threshold > 0 && threshold <= 1 && recall > 0 && recall < 1;
  Bands best;
  for (size_t rows = 1; sane && rows <= size; ++rows) {
    const Bands bands{size / rows, rows};
    if (bands.chance(threshold) >= recall) best = bands;
  }
  if (best.rows == 0) {
    throw Error(ErrorCode::kInvalidArgument, "deduplication",
                "no bands of " + std::to_string(size) + " hashes find pairs of similarity " +
                    std::to_string(threshold) + " with a chance of " + std::to_string(recall),
                "ask for more hashes, a higher threshold, or less recall");
  }
  return best;
}

uint64_t band_key(std::span<const uint32_t> signature, const Bands& bands, size_t band) {
  uint64_t key = mix_bits(band);
  for (const uint32_t value : signature.subspan(band * bands.rows, bands.rows))
    key = mix_bits(key ^ value);
  return key;
}

}  // namespace onmal
