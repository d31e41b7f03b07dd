#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "words/word_vectors.h"

namespace onmal {

// The files of word2vec, fastText and GloVe; see word_file.h. `name` is used in messages.
void write_word2vec_text(AtomicFile& file, const WordVectors& vectors, const std::string& name);
void write_word2vec_binary(AtomicFile& file, const WordVectors& vectors, const std::string& name);
WordVectors parse_word2vec(std::string_view bytes, const std::string& name);

}  // namespace onmal
