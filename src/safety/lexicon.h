#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "safety/categories.h"
#include "safety/keyword_automaton.h"
#include "safety/text_views.h"

namespace onmal {

// A root of the lexicon found in a text.
struct LexiconHit {
  uint32_t begin = 0;  // bytes of the text as it was given
  uint32_t end = 0;
  Category category = Category::kProfanity;
  float score = 0;  // the root's weight, less for a disguise
  View view = View::kPlain;
  uint32_t root = 0;
};

// Words that tell a category by themselves, searched in all views of a text at once, and the
// innocent words in which they occur by chance.
class Lexicon {
 public:
  // The format of data/lexicon.txt and data/exceptions.txt. Throws Error(kBadFile) with the line,
  // Error(kResource) for more innocent words than kMostExceptions.
  Lexicon(std::string_view roots, std::string_view exceptions);
  // The one that is built in.
  static Lexicon standard();

  // Non-overlapping within a category: the best of hits upon each other. By place.
  std::vector<LexiconHit> search(std::string_view text) const;
  std::vector<LexiconHit> search(std::string_view text, const TextViews& views) const;
  // Where the innocent words stand.
  std::vector<SourceRange> innocent_ranges(const TextViews& views) const;

  size_t size() const { return roots_.size(); }
  const std::string& root(uint32_t index) const { return roots_[index].text; }
  Category category(uint32_t index) const { return roots_[index].category; }
  // Bytes of UTF-8 that the longest root may span undisguised.
  size_t longest_root() const { return longest_; }

 private:
  struct Rules {
    bool start = false;
    bool whole = false;
    bool exact = false;
    bool sound = false;
    bool word = false;    // of Latin letters
    bool person = false;  // of people: not behind a thing as the verb's object
  };
  struct Root {
    std::string text;
    Category category;
    float weight;
    Rules rules;
    size_t syllables = 0;
    bool jamo_only = false;
  };

  void read_roots(std::string_view text);
  void read_exceptions(std::string_view text);
  static void set_rule(std::string_view word, size_t line, Rules& rules);
  void add_root(std::string_view text, Category category, float weight, Rules rules);
  void add_patterns(uint32_t index);
  void add_initials(uint32_t index);
  bool accept(const Root& root, View view, const MappedText& shown, size_t begin, size_t end,
              std::string_view text) const;
  KeywordAutomaton& automaton(View view) { return automata_[static_cast<size_t>(view)]; }

  std::vector<Root> roots_;
  std::array<KeywordAutomaton, kViewCount> automata_;
  KeywordAutomaton exceptions_;
  size_t longest_ = 0;
};

}  // namespace onmal
