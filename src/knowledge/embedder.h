#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace onmal {

enum class EmbedSide : uint8_t { kQuery, kPassage };

// Turns texts into vectors whose dot product says how near in meaning they are.
class Embedder {
 public:
  virtual ~Embedder() = default;

  // Vectors of one identity may be compared; others not. Holds what they depend on: the model's
  // fingerprint, pooling, prefixes.
  virtual const std::string& identity() const = 0;
  virtual int64_t dimensions() const = 0;
  // One vector of length 1 per text, in order: f32 [texts, dimensions]. What does not fit the model
  // is cut. A blank text gives a vector of zeros. Throws Error(kCancelled) on a stop request.
  virtual std::vector<float> embed(std::span<const std::string> texts, EmbedSide side,
                                   const std::stop_token& stop = {}) = 0;
};

}  // namespace onmal
