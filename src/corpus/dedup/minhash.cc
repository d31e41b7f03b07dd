#include "corpus/dedup/minhash.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "corpus/dedup/mix.h"

namespace onmal {

std::vector<uint64_t> shingle_hashes(std::string_view text, const WindowLength& length) {
  UnitWindow window(length);
  std::vector<uint64_t> hashes;
  for_each_unit(text, [&](const TextUnit& unit) {
    if (window.push(unit)) hashes.push_back(window.hash());
  });
  if (hashes.empty() && window.units() > 0) hashes.push_back(window.hash());
  return hashes;
}

namespace {

// By eleven bits at a time, the lowest first.
void radix_sort(std::vector<uint32_t>& values) {
  constexpr size_t kBits = 11;
  constexpr size_t kBuckets = size_t{1} << kBits;
  std::vector<uint32_t> other(values.size());
  std::vector<uint32_t> counts(3 * kBuckets);
  for (const uint32_t value : values) {
    for (size_t pass = 0; pass < 3; ++pass)
      ++counts[pass * kBuckets + ((value >> (pass * kBits)) & (kBuckets - 1))];
  }
  for (size_t pass = 0; pass < 3; ++pass) {
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
  constexpr size_t kLeastForRadix = 1500;
  if (set.size() < kLeastForRadix || set.size() > std::numeric_limits<uint32_t>::max()) {
    std::sort(set.begin(), set.end());
  } else {
    radix_sort(set);
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
  size_t left = size;
  // In rounds 0 … size - 1 a hash falls on any position; in the next `size` on the round's own, so
  // that the end is sure. What an earlier round put somewhere is less than all of a later one.
  for (uint64_t round = 0; left > 0; ++round) {
    for (const uint64_t hash : hashes) {
      const uint64_t x = round == 0 ? hash : mix_bits(hash + round * 0xD1B54A32D192ED03ULL);
      const size_t at = round < size ? static_cast<size_t>((x >> 32) * size >> 32) : round - size;
      const uint64_t value = round << 32 | static_cast<uint32_t>(x);
      if (value < least[at]) {
        left -= least[at] == kFree ? 1 : 0;
        least[at] = value;
      }
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
