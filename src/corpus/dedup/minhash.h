#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "corpus/dedup/units.h"

namespace onmal {

// The hashes of a text's shingles in the text's order, repetitions included. A text shorter than a
// shingle is one; a text without units has none.
std::vector<uint64_t> shingle_hashes(std::string_view text, const WindowLength& length);

// Sorted, each once, 32 bits of each: what the true Jaccard similarity is counted from.
std::vector<uint32_t> shingle_set(std::span<const uint64_t> hashes);
// |a ∩ b| / |a ∪ b| of sorted sets; 0 when both are empty.
double jaccard(std::span<const uint32_t> a, std::span<const uint32_t> b);

// `size` numbers of which two sets share, position by position, a share that estimates their
// Jaccard similarity without bias. One hash of every shingle fills the position it falls on with
// the least; positions that nobody falls on are filled by further rounds of hashes, so that short
// texts do as well (fast similarity sketching; Dahlgaard, Knudsen & Thorup, 2017). An empty set
// gives an empty signature.
std::vector<uint32_t> minhash_signature(std::span<const uint64_t> hashes, size_t size);
// The share of equal positions; 0 for empty signatures. Sizes must agree otherwise.
double estimate_jaccard(std::span<const uint32_t> a, std::span<const uint32_t> b);

// A signature is cut into bands of so many rows; texts that agree in a whole band are compared.
struct Bands {
  size_t bands = 0;
  size_t rows = 0;

  // 1 - (1 - s^rows)^bands: the chance that texts of similarity s are compared.
  double chance(double similarity) const;
};

// The bands of most rows that find a pair of `threshold` with at least the chance of `recall`.
// Throws Error(kInvalidArgument) where a signature of `size` has none, or for numbers that are not
// between 0 and 1.
Bands choose_bands(size_t size, double threshold, double recall);

// The key of a band: equal for equal rows.
uint64_t band_key(std::span<const uint32_t> signature, const Bands& bands, size_t band);

}  // namespace onmal
