#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace onmal {

struct TextWord {
  uint64_t hash;
  uint32_t bytes;
  bool function_word;  // of English
};

// What the rules of quality measure, added up line by line.
struct TextCounts {
  size_t characters = 0;  // but blanks
  size_t broken = 0;
  size_t mojibake = 0;
  size_t symbols = 0;
  size_t digits = 0;
  size_t latin = 0;
  size_t hangul = 0;  // syllables
  size_t jamo = 0;    // by themselves
  size_t letters = 0;
  size_t words = 0;
  size_t function_words = 0;
  size_t bytes = 0;  // of lines that hold anything
  size_t sentence_bytes = 0;
  size_t lines = 0;
  size_t list_lines = 0;

  void add(const TextCounts& line);
};

// Counts of one line; its first words go to `words` while these are fewer than `most_words`.
TextCounts count_line(std::string_view line, size_t most_words, std::vector<TextWord>& words);

// True where the line ends as a sentence does, or holds the end of one.
bool has_sentence_end(std::string_view line);

}  // namespace onmal
