#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "words/word_file.h"

// Any bytes are word vectors of which every word has one, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const onmal::WordVectors vectors = onmal::parse_word_vectors(
        std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    for (const std::string& word : vectors.words()) {
      if (vectors.find(word))
        ONMAL_ASSERT(static_cast<int64_t>(vectors.vector(word).size()) == vectors.dim());
    }
    vectors.similar_spellings("가나다");
  } catch (const onmal::Error&) {
  }
  return 0;
}
