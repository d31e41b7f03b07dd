#include "corpus/clean/quality.h"

#include <algorithm>
#include <array>

#include "corpus/clean/boilerplate.h"
#include "corpus/clean/plain_text.h"
#include "corpus/clean/text_counts.h"
#include "corpus/dedup/block_checksum.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kMostWords = 1000000;
constexpr size_t kMenuLines = 8;
// Shorter texts repeat their words without being spam, and may be one phrase.
constexpr size_t kLeastWords = 100;
constexpr size_t kLeastSentenceBytes = 200;
constexpr size_t kLeastJamo = 6;

// How often a key was seen; open hashing. clear() costs nothing: entries know their round.
class KeyCounts {
 public:
  void clear(size_t keys) {
    ++round_;
    size_t size = 1024;
    while (size < 2 * keys) size *= 2;
    if (size > entries_.size()) entries_.assign(size, {});
    mask_ = size - 1;
  }

  // How often it was seen with this time.
  uint32_t add(uint64_t key) {
    for (size_t at = (key * 0x9E3779B97F4A7C15ULL) >> 32 & mask_;; at = (at + 1) & mask_) {
      Entry& entry = entries_[at];
      if (entry.round != round_) entry = {key, 0, round_};
      if (entry.key == key) return ++entry.count;
    }
  }

 private:
  struct Entry {
    uint64_t key = 0;
    uint32_t count = 0;
    uint32_t round = 0;
  };
  std::vector<Entry> entries_;
  size_t mask_ = 0;
  uint32_t round_ = 0;
};

double share(size_t part, size_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Spreads a hash over all bits (the end of MurmurHash3).
uint64_t mix64(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDULL;
  x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return x ^ (x >> 33);
}

struct Line {
  size_t begin, end;  // without the line end
};

std::string_view trim_line(std::string_view line) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  return line;
}

// Short words without a sentence's end, as menus have one a line.
bool is_menu_line(std::string_view line) {
  if (line.empty() || line.size() > 60 ||
      std::string_view("-*#|>+`<{}[(0123456789$").find(line[0]) != std::string_view::npos)
    return false;
  if (std::count(line.begin(), line.end(), ' ') > 2 || count_characters(line) > 20) return false;
  return line.find_first_of("=;{}_`,:") == line.npos && !has_sentence_end(line);
}

bool is_jamo_line(const TextCounts& counts) {
  return counts.jamo >= 3 && counts.letters == 0 && counts.digits == 0;
}

}  // namespace

struct QualityJudge::Tables {
  Boilerplate boilerplate;
  KeyCounts keys;
  std::vector<Line> lines;
  std::vector<std::optional<QualityRule>> rules;
  std::vector<TextWord> words;

  void read_lines(std::string_view text);
  void find_cuts(std::string_view text);
  void keep_tables(std::string_view text);
  std::vector<QualityCut> join_cuts(std::string_view text) const;
  TextCounts count_rest(std::string_view text);
  std::pair<double, double> repeated_lines(std::string_view text);
  double frequent_gram();
  double repeated_grams();
  double one_word();
  size_t word_bytes() const;
};

void QualityJudge::Tables::read_lines(std::string_view text) {
  lines.clear();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back({at, end});
    at = end + 1;
  }
  rules.assign(lines.size(), std::nullopt);
}

void QualityJudge::Tables::find_cuts(std::string_view text) {
  std::vector<TextWord> none;
  size_t menu = 0;
  bool fenced = false;
  for (size_t i = 0; i <= lines.size(); ++i) {
    const std::string_view line =
        i < lines.size() ? trim_line(text.substr(lines[i].begin, lines[i].end - lines[i].begin))
                         : std::string_view();
    const bool fence = line.starts_with("```");
    if (fence) fenced = !fenced;
    const bool in_menu = i < lines.size() && !fenced && is_menu_line(line);
    if (!in_menu && menu >= kMenuLines)
      std::fill(rules.begin() + static_cast<std::ptrdiff_t>(i - menu),
                rules.begin() + static_cast<std::ptrdiff_t>(i), QualityRule::kMenuLines);
    menu = in_menu ? menu + 1 : 0;
    if (i == lines.size() || line.empty() || fenced || fence) continue;
    rules[i] = boilerplate.of_line(line);
    const auto lead = static_cast<uint8_t>(line[0]);
    if (!rules[i] && line.size() < 400 && lead == 0xE3 && is_jamo_line(count_line(line, 0, none)))
      rules[i] = QualityRule::kJamoLine;
  }
}

// Rows of a table look like navigation, but come in threes, or with a rule of dashes.
void QualityJudge::Tables::keep_tables(std::string_view text) {
  for (size_t i = 0; i < lines.size();) {
    size_t end = i;
    while (end < lines.size() && rules[end] == QualityRule::kNavigationLine) ++end;
    const bool ruled = end > i && end < lines.size() && lines[end].end > lines[end].begin + 2 &&
                       text.substr(lines[end].begin, 12).find("--") != text.npos;
    if (end - i >= 3 || ruled)
      std::fill(rules.begin() + static_cast<std::ptrdiff_t>(i),
                rules.begin() + static_cast<std::ptrdiff_t>(end), std::nullopt);
    i = std::max(end, i + 1);
  }
}

std::vector<QualityCut> QualityJudge::Tables::join_cuts(std::string_view text) const {
  std::vector<QualityCut> cuts;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!rules[i]) continue;
    const size_t end = std::min(lines[i].end + 1, text.size());
    if (!cuts.empty() && cuts.back().last_line + 1 == i && cuts.back().rule == *rules[i]) {
      cuts.back().last_line = i;
      cuts.back().end = end;
    } else {
      cuts.push_back({*rules[i], i, i, lines[i].begin, end});
    }
  }
  return cuts;
}

TextCounts QualityJudge::Tables::count_rest(std::string_view text) {
  words.clear();
  TextCounts all;
  for (size_t i = 0; i < lines.size(); ++i)
    if (!rules[i])
      all.add(count_line(text.substr(lines[i].begin, lines[i].end - lines[i].begin), kMostWords,
                         words));
  return all;
}

// Bytes of lines, and of paragraphs of two or more lines, that were there before. Lines of fewer
// than 12 bytes repeat in any text.
std::pair<double, double> QualityJudge::Tables::repeated_lines(std::string_view text) {
  keys.clear(2 * lines.size());
  size_t all = 0, repeated = 0, repeated_paragraphs = 0;
  size_t paragraph_bytes = 0, paragraph_lines = 0;
  uint64_t paragraph = 0;
  for (size_t i = 0; i <= lines.size(); ++i) {
    const std::string_view line =
        i < lines.size() && !rules[i]
            ? trim_line(text.substr(lines[i].begin, lines[i].end - lines[i].begin))
            : std::string_view();
    if (line.empty()) {
      if (paragraph_bytes >= 40 && paragraph_lines > 1 && keys.add(mix64(paragraph)) > 1)
        repeated_paragraphs += paragraph_bytes;
      paragraph_bytes = paragraph_lines = 0;
      paragraph = 0;
      continue;
    }
    const uint64_t hash = block_checksum(line);
    all += line.size();
    if (line.size() >= 12 && keys.add(hash) > 1) repeated += line.size();
    paragraph = mix64(paragraph ^ hash);
    paragraph_bytes += line.size();
    ++paragraph_lines;
  }
  return {share(repeated, all), share(repeated_paragraphs, all)};
}

size_t QualityJudge::Tables::word_bytes() const {
  size_t bytes = 0;
  for (const TextWord& word : words) bytes += word.bytes;
  return bytes;
}

double QualityJudge::Tables::frequent_gram() {
  if (words.size() < kLeastWords) return 0;
  keys.clear(words.size());
  size_t most = 0;
  for (size_t i = 0; i + 3 <= words.size(); ++i) {
    const uint64_t key = words[i].hash * 0x9FB21C651E98DF25ULL +
                         words[i + 1].hash * 0xC4CEB9FE1A85EC53ULL + words[i + 2].hash;
    const size_t count = keys.add(key);
    const size_t bytes = words[i].bytes + words[i + 1].bytes + words[i + 2].bytes;
    if (count >= 4) most = std::max(most, count * bytes);
  }
  return share(most, word_bytes());
}

double QualityJudge::Tables::repeated_grams() {
  constexpr size_t kGram = 6;
  if (words.size() < kLeastWords) return 0;
  keys.clear(words.size());
  uint64_t rolling = 0;
  constexpr uint64_t kBase = 0x100000001B3ULL;
  uint64_t power = 1;
  for (size_t i = 0; i + 1 < kGram; ++i) power *= kBase;
  size_t repeated = 0;
  size_t covered = 0;  // words before this one are counted
  for (size_t i = 0; i < words.size(); ++i) {
    if (i >= kGram) rolling -= words[i - kGram].hash * power;
    rolling = rolling * kBase + words[i].hash;
    if (i + 1 < kGram || keys.add(rolling) < 2) continue;
    for (size_t k = std::max(covered, i + 1 - kGram); k <= i; ++k) repeated += words[k].bytes;
    covered = i + 1;
  }
  return share(repeated, word_bytes());
}

double QualityJudge::Tables::one_word() {
  if (words.size() < kLeastWords) return 0;
  keys.clear(words.size());
  uint32_t most = 0;
  for (const TextWord& word : words)
    if (!word.function_word && word.bytes > 1) most = std::max(most, keys.add(word.hash));
  return share(most, words.size());
}

QualityJudge::QualityJudge() : tables_(std::make_unique<Tables>()) {}
QualityJudge::~QualityJudge() = default;
QualityJudge::QualityJudge(QualityJudge&&) noexcept = default;
QualityJudge& QualityJudge::operator=(QualityJudge&&) noexcept = default;

QualityOutcome QualityJudge::judge(std::string_view document, Language language) {
  return judge(document, language, quality_limits(language));
}

QualityOutcome QualityJudge::judge(std::string_view document, Language language,
                                   const QualityLimits& limits) {
  const PlainText plain(document);
  const std::string_view text = plain.view();
  Tables& t = *tables_;
  t.read_lines(text);
  t.find_cuts(text);
  t.keep_tables(text);
  QualityOutcome outcome;
  outcome.cuts = t.join_cuts(text);
  for (QualityCut& cut : outcome.cuts) {
    cut.begin = plain.source_begin(cut.begin);
    cut.end = plain.source_end(cut.end);
  }
  const TextCounts c = t.count_rest(text);
  const auto most = [&](QualityRule rule, double value, double limit) {
    if (!outcome.dropped && value > limit) {
      outcome.dropped = rule;
      outcome.value = value;
    }
  };
  const auto least = [&](QualityRule rule, double value, double limit) {
    if (!outcome.dropped && value < limit) {
      outcome.dropped = rule;
      outcome.value = value;
    }
  };
  const bool korean = language == Language::kKorean;
  most(QualityRule::kBrokenEncoding, share(c.broken, c.characters), limits.most_broken);
  most(QualityRule::kMojibake, share(c.mojibake, c.characters), limits.most_mojibake);
  least(QualityRule::kTooShort, static_cast<double>(c.characters),
        static_cast<double>(limits.least_characters));
  if (c.jamo >= kLeastJamo)
    most(QualityRule::kJamoSpam, share(c.jamo, c.jamo + c.hangul), limits.most_jamo);
  most(QualityRule::kSymbols, share(c.symbols, c.characters), limits.most_symbols);
  most(QualityRule::kDigits, share(c.digits, c.characters), limits.most_digits);
  if (korean) most(QualityRule::kLatinInKorean, share(c.latin, c.letters), limits.most_latin);
  most(QualityRule::kWordLength, share(c.characters, c.words), limits.most_word_length);
  least(QualityRule::kWordLength, share(c.characters, c.words), limits.least_word_length);
  if (c.bytes >= kLeastSentenceBytes)
    least(QualityRule::kFewSentences, share(c.sentence_bytes, c.bytes), limits.least_sentences);
  if (!korean && c.words >= 10)
    least(QualityRule::kFewFunctionWords, share(c.function_words, c.words),
          limits.least_function_words);
  if (c.lines >= 5)
    most(QualityRule::kListLines, share(c.list_lines, c.lines), limits.most_list_lines);
  if (outcome.dropped) return outcome;
  const auto [lines, paragraphs] = t.repeated_lines(text);
  most(QualityRule::kRepeatedLines, lines, limits.most_repeated_lines);
  most(QualityRule::kRepeatedParagraphs, paragraphs, limits.most_repeated_paragraphs);
  most(QualityRule::kStuffing, t.one_word(), limits.most_one_word);
  most(QualityRule::kFrequentGram, t.frequent_gram(), limits.most_frequent_gram);
  most(QualityRule::kRepeatedGrams, t.repeated_grams(), limits.most_repeated_grams);
  return outcome;
}

std::string_view quality_rule_name(QualityRule rule) {
  static constexpr std::array<std::string_view, kQualityRules> kNames = {"cookie_line",
                                                                         "subscribe_line",
                                                                         "copyright_line",
                                                                         "byline_line",
                                                                         "navigation_line",
                                                                         "menu_lines",
                                                                         "jamo_line",
                                                                         "broken_encoding",
                                                                         "mojibake",
                                                                         "too_short",
                                                                         "symbols",
                                                                         "digits",
                                                                         "latin_in_korean",
                                                                         "word_length",
                                                                         "few_sentences",
                                                                         "few_function_words",
                                                                         "list_lines",
                                                                         "repeated_lines",
                                                                         "repeated_paragraphs",
                                                                         "frequent_gram",
                                                                         "repeated_grams",
                                                                         "stuffing",
                                                                         "jamo_spam"};
  return kNames[static_cast<size_t>(rule)];
}

std::string apply_cuts(std::string_view document, const std::vector<QualityCut>& cuts) {
  std::string kept;
  kept.reserve(document.size());
  size_t at = 0;
  for (const QualityCut& cut : cuts) {
    kept.append(document.substr(at, cut.begin - at));
    at = cut.end;
  }
  kept.append(document.substr(at));
  return kept;
}

}  // namespace onmal
