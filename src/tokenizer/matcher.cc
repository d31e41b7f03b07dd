#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"
#include "tokenizer/split_step.h"

namespace onmal {
namespace {

class PatternMatcher : public Matcher {
 public:
  explicit PatternMatcher(Pattern pattern) : pattern_(std::move(pattern)) {}

  void find(std::string_view text, bool valid,
            FunctionRef<void(size_t, size_t)> match) const override {
    if (valid || find_invalid_utf8(text) == std::string_view::npos) return find_valid(text, match);
    // A twin of the text that is UTF-8; each place is three bytes where the text has one.
    std::string twin;
    std::vector<size_t> places;  // in the text
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = read_utf8(text, i);
      if (c.valid) {
        twin.append(text.substr(i, c.length));
      } else {
        twin += "\xEF\xBF\xBD";
        places.push_back(i);
      }
      i += c.length;
    }
    size_t passed = 0;
    const auto original = [&](size_t at) {
      while (passed < places.size() && places[passed] + 2 * passed < at) ++passed;
      return at - 2 * passed;
    };
    find_valid(twin, [&](size_t begin, size_t end) {
      const size_t from = original(begin);
      match(from, original(end));
    });
  }

 private:
  void find_valid(std::string_view text, FunctionRef<void(size_t, size_t)> match) const {
    Pattern::Search search(pattern_, text);
    size_t least = 0;  // an empty match right behind another match is none
    bool any = false;
    for (size_t from = 0; from <= text.size();) {
      const auto found = search.next(from);
      if (!found) break;
      const auto [begin, end] = *found;
      const bool empty = begin == end;
      if (!empty || !any || begin > least) match(begin, end);
      any = true;
      least = end;
      from = !empty ? end : end < text.size() ? end + read_utf8(text, end).length : text.size() + 1;
    }
  }

  Pattern pattern_;
};

class TextMatcher : public Matcher {
 public:
  explicit TextMatcher(std::string text) : text_(std::move(text)) {}

  void find(std::string_view text, bool, FunctionRef<void(size_t, size_t)> match) const override {
    if (text_.empty()) return;
    for (size_t at = text.find(text_); at != std::string_view::npos;
         at = text.find(text_, at + text_.size())) {
      match(at, at + text_.size());
    }
  }

 private:
  std::string text_;
};

class CharacterMatcher : public Matcher {
 public:
  explicit CharacterMatcher(bool (*is_match)(uint32_t)) : is_match_(is_match) {}

  void find(std::string_view text, bool, FunctionRef<void(size_t, size_t)> match) const override {
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = read_utf8(text, at);
      if (is_match_(c.valid ? c.code : 0xFFFD)) match(at, at + c.length);
      at += c.length;
    }
  }

 private:
  bool (*is_match_)(uint32_t);
};

class DigitMatcher : public Matcher {
 public:
  void find(std::string_view text, bool, FunctionRef<void(size_t, size_t)> match) const override {
    std::vector<size_t> ends;
    for (size_t at = 0; at < text.size();) {
      ends.assign(1, at);
      Utf8Char c{};
      for (; at < text.size(); at += c.length) {
        c = read_utf8(text, at);
        if (!c.valid || !classes_.is_decimal(c.code)) break;
        if (at != ends.back()) ends.push_back(at);
      }
      if (at == ends[0]) {
        at += c.length;
        continue;
      }
      const bool boundary = at == text.size() || !c.valid || !is_word_character(c.code);
      ends.push_back(at);
      if (!boundary) continue;
      const size_t digits = ends.size() - 1;
      for (size_t done = 0; done < digits;) {
        const size_t next = done + (digits % 3 != 0 && done == 0 ? digits % 3 : 3);
        match(ends[done], ends[next]);
        done = next;
      }
    }
  }

 private:
  CharClasses classes_;
};

}  // namespace

std::unique_ptr<Matcher> match_pattern(Pattern pattern) {
  return std::make_unique<PatternMatcher>(std::move(pattern));
}

std::unique_ptr<Matcher> match_text(std::string text) {
  return std::make_unique<TextMatcher>(std::move(text));
}

std::unique_ptr<Matcher> match_characters(bool (*is_match)(uint32_t code)) {
  return std::make_unique<CharacterMatcher>(is_match);
}

std::unique_ptr<Matcher> match_digits_from_right() { return std::make_unique<DigitMatcher>(); }

}  // namespace onmal
