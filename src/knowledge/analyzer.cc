#include "knowledge/analyzer.h"

#include <libstemmer.h>

#include <algorithm>

#include "base/error.h"
#include "text/hangul.h"
#include "text/korean_stem.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kLongestTerm = 64;  // in characters; what goes on longer is cut into such parts

bool is_kana(uint32_t code) { return code >= 0x3041 && code <= 0x30FF; }
uint32_t lowercase_of(uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
  return simple_lowercase(code);
}
bool is_ascii_digit(uint32_t code) { return code >= '0' && code <= '9'; }

}  // namespace

// Characters of one kind, with where each begins.
struct Analyzer::Piece {
  std::string_view source;
  Run run = Run::kNone;
  std::u32string codes;
  std::vector<uint64_t> places;  // one more than codes: the last is the end

  uint64_t begin() const { return places.front(); }
  uint64_t end() const { return places.back(); }
  Term term(std::string text, size_t first, size_t count) const {
    return {std::move(text), places[first], places[first + count]};
  }
  // As it stands there.
  Term term(size_t first, size_t count) const {
    const uint64_t begin = places[first], end = places[first + count];
    return {std::string(source.substr(begin, end - begin)), begin, end};
  }
  void clear() {
    run = Run::kNone;
    codes.clear();
    places.clear();
  }
};

void Analyzer::StemmerDeleter::operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }

Analyzer::Analyzer() : english_(sb_stemmer_new("english", "UTF_8")) {
  if (english_ == nullptr)
    throw Error(ErrorCode::kUnsupported, "search", "libstemmer has no English stemmer");
}
Analyzer::~Analyzer() = default;
Analyzer::Analyzer(Analyzer&& other) noexcept = default;
Analyzer& Analyzer::operator=(Analyzer&& other) noexcept = default;

Analyzer::Run Analyzer::run_of(uint32_t code) const {
  if (is_hangul_syllable(code)) return Run::kHangul;
  if (code >= 0x3131 && code <= 0x318E) return Run::kHangul;  // jamo by themselves: ㅋㅋ
  if (is_han_ideograph(code) || is_kana(code)) return Run::kIdeograph;
  switch (classes_.of(code)) {
    case CharClass::kLetter:
      return Run::kLatin;
    case CharClass::kNumber:
      return Run::kNumber;
    default:
      return Run::kNone;
  }
}

std::string Analyzer::english_stem(std::string_view word) const {
  const auto* bytes = reinterpret_cast<const sb_symbol*>(word.data());
  const sb_symbol* stem = sb_stemmer_stem(english_.get(), bytes, static_cast<int>(word.size()));
  if (stem == nullptr) return std::string(word);  // out of memory there
  return {reinterpret_cast<const char*>(stem),
          static_cast<size_t>(sb_stemmer_length(english_.get()))};
}

void Analyzer::take_korean(const Piece& piece, bool stuck,
                           FunctionRef<void(const Term&)> take) const {
  const std::u32string_view word = piece.codes;
  const bool syllables = std::all_of(word.begin(), word.end(), is_hangul_syllable);
  if (!syllables) return take(piece.term(0, word.size()));
  if (stuck && is_only_particles(word)) return;
  const KoreanStem stem = stem_korean(word);
  const size_t length = stem.noun.size();
  for (size_t i = 0; i + 1 < length; ++i) take(piece.term(i, 2));
  if (length != 2) take(piece.term(0, length));
  // 종이: one syllable and a particle may as well be a noun.
  if (length == 1 && word.size() == 2) take(piece.term(0, 2));
  if (stem.predicate == stem.noun) return;
  std::string predicate;
  for (const char32_t code : stem.predicate) append_utf8(code, predicate);
  take(piece.term(std::move(predicate), 0, std::min(word.size(), stem.predicate.size())));
}

// A word and, of an identifier with capitals inside, its parts.
void Analyzer::take_latin(const Piece& piece, FunctionRef<void(const Term&)> take) const {
  std::string lower;
  struct Part {
    size_t code, byte;
  };
  std::vector<Part> parts = {{0, 0}};
  bool after_small = false;
  for (size_t i = 0; i < piece.codes.size(); ++i) {
    const uint32_t code = piece.codes[i];
    const uint32_t small = lowercase_of(code);
    if (after_small && code != small) parts.push_back({i, lower.size()});
    after_small = code == small;
    append_utf8(code < 0x80 ? small : lowercase_of(base_character(code)), lower);
  }
  take(piece.term(english_stem(lower), 0, piece.codes.size()));
  if (parts.size() == 1) return;
  parts.push_back({piece.codes.size(), lower.size()});
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const Part& part = parts[i];
    const size_t count = parts[i + 1].code - part.code;
    if (count < 2) continue;
    take(piece.term(
        english_stem(std::string_view(lower).substr(part.byte, parts[i + 1].byte - part.byte)),
        part.code, count));
  }
}

void Analyzer::take_run(const Piece& piece, bool stuck, FunctionRef<void(const Term&)> take) const {
  switch (piece.run) {
    case Run::kNone:
      return;
    case Run::kHangul:
      return take_korean(piece, stuck, take);
    case Run::kLatin:
      return take_latin(piece, take);
    case Run::kNumber: {
      Term number = piece.term(0, piece.codes.size());
      std::erase(number.text, ',');
      return take(number);
    }
    case Run::kIdeograph:
      for (size_t i = 0; i < piece.codes.size(); ++i) {
        take(piece.term(i, 1));
        if (i + 1 < piece.codes.size()) take(piece.term(i, 2));
      }
  }
}

void Analyzer::analyze(std::string_view text, FunctionRef<void(const Term&)> take) const {
  const std::string normal = normalize_unicode(text, NormalForm::kNfkc);
  const std::string_view source = normal;
  Piece piece;
  piece.source = source;
  bool stuck = false;  // the piece stands right behind another one
  uint64_t last_end = 0;
  const auto finish = [&](uint64_t end) {
    if (piece.codes.empty()) return;
    piece.places.push_back(end);
    stuck = piece.begin() > 0 && piece.begin() == last_end;
    take_run(piece, stuck, take);
    last_end = end;
    piece.clear();
  };
  for (size_t at = 0; at < source.size();) {
    const Utf8Char c = read_utf8(source, at);
    Run run = c.valid ? run_of(c.code) : Run::kNone;
    // Inside a number: 1,000 and 3.11.
    if ((c.code == ',' || c.code == '.') && piece.run == Run::kNumber && at + 1 < source.size() &&
        is_ascii_digit(static_cast<uint8_t>(source[at + 1])))
      run = Run::kNumber;
    if (run != piece.run || piece.codes.size() >= kLongestTerm) finish(at);
    if (run != Run::kNone) {
      piece.run = run;
      piece.codes.push_back(c.code);
      piece.places.push_back(at);
    }
    at += c.length;
  }
  finish(source.size());
}

std::string Analyzer::terms(std::string_view text) const {
  std::string joined;
  analyze(text, [&](const Term& term) {
    if (!joined.empty()) joined += ' ';
    joined += term.text;
  });
  return joined;
}

}  // namespace onmal
