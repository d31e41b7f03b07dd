#pragma once

#include <string>

#include "words/word_vectors.h"

namespace onmal {

// Word vectors of any kind: a file of word vectors, or the input embeddings of a language model
// (GGUF file or Hugging Face folder), its pieces being the words, without the space in front.
WordVectors load_words(const std::string& path);

}  // namespace onmal
