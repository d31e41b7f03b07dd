#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "words/word_vectors.h"

namespace onmal {

enum class WordFileFormat : uint8_t {
  kOnmal,           // everything, parts of words too (layout: word_file.cc)
  kWord2vecText,    // "words dim", then a word and its numbers a line; also fastText's .vec
  kWord2vecBinary,  // "words dim", then a word, a space and little-endian f32 numbers each
};

// By the name: .vec and .txt are text, .bin is word2vec's binary, all else is our own.
WordFileFormat word_format_of(const std::filesystem::path& path);

// Writes atomically. Throws Error(kIo), Error(kInvalidArgument) for a word that the format cannot
// hold.
void write_word_vectors(const std::filesystem::path& path, const WordVectors& vectors,
                        WordFileFormat format);

// Reads any of the formats, told apart by their content; text without the first line (as GloVe
// writes it) too. Throws Error(kIo / kBadFile) naming the place; Error(kUnsupported) for fastText's
// own .bin.
WordVectors read_word_vectors(const std::filesystem::path& path);
// The same from bytes; `name` is used in messages.
WordVectors parse_word_vectors(std::string_view bytes, const std::string& name);

}  // namespace onmal
