#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "text/char_classes.h"

struct sb_stemmer;

namespace onmal {

// A unit that texts and queries are compared by.
struct Term {
  std::string text;
  uint64_t begin = 0;  // bytes of the text analysed
  uint64_t end = 0;
};

// Turns text into search terms, the same way for documents and queries, for any store.
// Korean: the stem of each word (text/korean_stem.h) and its pairs of neighbouring syllables, so
// that particles do not matter and compounds are found by their parts. Latin words: lower case, no
// accents, English stems (Porter2), parts of compound identifiers. Numbers without thousands
// separators. Han and Kana: characters and pairs. Full-width forms are those of ASCII; text in NFD
// or with compatibility characters gives the same terms. One per thread.
class Analyzer {
 public:
  Analyzer();
  ~Analyzer();
  Analyzer(Analyzer&& other) noexcept;
  Analyzer& operator=(Analyzer&& other) noexcept;

  // Calls take(term) in the order of the text. `text` should be NFC: for other text the places are
  // those of its NFKC form.
  void analyze(std::string_view text, FunctionRef<void(const Term&)> take) const;

  // All terms joined by spaces, for a full-text column.
  std::string terms(std::string_view text) const;

 private:
  enum class Run : uint8_t { kNone, kHangul, kLatin, kNumber, kIdeograph };
  struct Piece;
  Run run_of(uint32_t code) const;
  void take_run(const Piece& piece, bool stuck, FunctionRef<void(const Term&)> take) const;
  void take_korean(const Piece& piece, bool stuck, FunctionRef<void(const Term&)> take) const;
  void take_latin(const Piece& piece, FunctionRef<void(const Term&)> take) const;
  std::string english_stem(std::string_view word) const;

  CharClasses classes_;
  struct StemmerDeleter {
    void operator()(sb_stemmer* stemmer) const;
  };
  std::unique_ptr<sb_stemmer, StemmerDeleter> english_;
};

}  // namespace onmal
