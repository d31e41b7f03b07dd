#include <optional>

#include "text/fold/jamo.h"
#include "text/fold/steps.h"

namespace onmal {
namespace {

// Puts syllables together letter by letter, as an input method does.
class Composer {
 public:
  explicit Composer(MappedText& out) : out_(out) {}

  void consonant(char32_t letter, SourceRange source, bool vowel_follows) {
    const int closing = final_of_jamo(letter);
    if (syllable_ && !vowel_follows && closing > 0) {
      const int joined =
          syllable_->final_part == 0 ? closing : join_finals(syllable_->final_part, closing);
      if (joined > 0) {
        syllable_->final_part = joined;
        source_.end = source.end;
        return;
      }
    }
    flush();
    initial_ = letter;
    source_ = source;
  }

  void vowel(char32_t letter, SourceRange source) {
    const int vowel = vowel_of_jamo(letter);
    if (initial_ != 0 && initial_of_jamo(initial_) >= 0) {
      syllable_ = Syllable{initial_of_jamo(initial_), vowel, 0};
      initial_ = 0;
      source_.end = source.end;
      return;
    }
    if (syllable_ && syllable_->final_part == 0 && typed_ &&
        join_vowels(syllable_->vowel, vowel) >= 0) {
      syllable_->vowel = join_vowels(syllable_->vowel, vowel);
      source_.end = source.end;
      return;
    }
    flush();
    out_.add(letter, source);
  }

  // A whole syllable may be closed by what follows.
  void whole(char32_t code, SourceRange source) {
    flush();
    syllable_ = split_syllable(code);
    source_ = source;
    typed_ = false;
  }

  void flush() {
    if (syllable_) out_.add(make_syllable(*syllable_), source_);
    if (initial_ != 0) out_.add(initial_, source_);
    syllable_.reset();
    initial_ = 0;
    typed_ = true;
  }

 private:
  MappedText& out_;
  std::optional<Syllable> syllable_;
  bool typed_ = true;     // of jamo, not whole
  char32_t initial_ = 0;  // waits for its vowel
  SourceRange source_;
};

}  // namespace

MappedText compose_jamo(const MappedText& text) {
  MappedText out;
  Composer composer(out);
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t code = text[i];
    const bool vowel_follows = i + 1 < text.size() && is_compatibility_jamo(text[i + 1]) &&
                               vowel_of_jamo(text[i + 1]) >= 0;
    if (is_hangul_syllable(code)) {
      composer.whole(code, text.source(i));
    } else if (is_compatibility_jamo(code) && vowel_of_jamo(code) >= 0) {
      composer.vowel(code, text.source(i));
    } else if (is_compatibility_jamo(code)) {
      composer.consonant(code, text.source(i), vowel_follows);
    } else {
      composer.flush();
      out.add(text, i);
    }
  }
  composer.flush();
  return out;
}

}  // namespace onmal
