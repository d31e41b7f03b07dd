#include "corpus/clean_sentences.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "corpus/held_out.h"
#include "text/hangul.h"
#include "text/sentences.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

bool is_jamo(uint32_t code) { return code >= 0x3131 && code <= 0x318E; }

// What a careful writer never writes.
constexpr std::array<std::string_view, 28> kMistakes = {
    "됬",     "할께",   "을께",   "줄께", "갈께",   "볼께",   "읍니다", "안되요", "안되는", "되요",
    "되서",   "뵈요",   "않되",   "않하", "웬지",   "왠만",   "몇일",   "오랫만", "역활",   "희안",
    "어떻해", "문안하", "설겆이", "꺼야", "꺼에요", "건들이", "있슴",   "없슴"};

bool is_markup(uint32_t code) {
  return std::u32string_view(U"{}<>|\\`=#*_~^@$[]\t").find(static_cast<char32_t>(code)) !=
         std::u32string_view::npos;
}

}  // namespace

std::string_view sentence_fault_name(SentenceFault fault) {
  constexpr std::array<std::string_view, kSentenceFaults> kNames = {
      "none", "length", "few_hangul", "lone_jamo", "long_word", "mistake", "markup", "no_end"};
  return kNames[static_cast<size_t>(fault)];
}

SentenceFault judge_sentence(std::string_view sentence, const SentenceOptions& options) {
  int64_t characters = 0;
  int64_t hangul = 0;
  int64_t word = 0;
  bool lone = false;
  bool long_word = false;
  bool markup = false;
  uint32_t last = 0;
  uint32_t before_last = 0;
  for (size_t i = 0; i < sentence.size();) {
    const Utf8Char c = read_utf8(sentence, i);
    i += c.length;
    ++characters;
    const bool syllable = is_hangul_syllable(c.code);
    hangul += syllable || c.code == ' ';
    word = syllable ? word + 1 : 0;
    long_word = long_word || word > 10;
    lone = lone || is_jamo(c.code);
    markup = markup || is_markup(c.code) || !c.valid || c.code == '\n';
    before_last = last;
    last = c.code;
  }
  if (characters < options.least_characters || characters > options.most_characters)
    return SentenceFault::kLength;
  if (markup) return SentenceFault::kMarkup;
  if (hangul * 10 < characters * 6) return SentenceFault::kFewHangul;
  if (lone) return SentenceFault::kLoneJamo;
  if (long_word) return SentenceFault::kLongWord;
  const bool ends = (last == '.' || last == '!' || last == '?') && is_hangul_syllable(before_last);
  if (!ends) return SentenceFault::kNoEnd;
  for (const std::string_view mistake : kMistakes) {
    if (sentence.find(mistake) != std::string_view::npos) return SentenceFault::kMistake;
  }
  return SentenceFault::kNone;
}

SentenceReport write_clean_sentences(const Corpus& corpus, const SentenceOptions& options,
                                     const std::filesystem::path& train,
                                     const std::filesystem::path& heldout) {
  SentenceReport report;
  AtomicFile learned(train);
  AtomicFile kept(heldout);
  std::unordered_set<uint64_t> seen;
  std::vector<std::string> held;
  for (const Source& source : corpus.texts) {
    read_documents(source, [&](std::string_view document) {
      ++report.documents;
      const bool is_held = is_held_out(document, options.heldout_permille);
      const std::string text = normalize_unicode(document, NormalForm::kNfc);
      for (const TextSpan& span : split_sentences(text)) {
        const std::string_view sentence = span.in(text);
        const SentenceFault fault = judge_sentence(sentence, options);
        ++report.faults[static_cast<size_t>(fault)];
        if (fault != SentenceFault::kNone) continue;
        if (is_held) {
          held.emplace_back(sentence);
        } else if (!seen.insert(fnv1a(sentence)).second) {
          ++report.repeated;
        } else {
          learned.write(std::string(sentence) + "\n");
          ++report.train;
        }
      }
    });
  }
  for (const std::string& sentence : held) {
    if (!seen.insert(fnv1a(sentence)).second) {
      ++report.repeated;
      continue;
    }
    kept.write(sentence + "\n");
    ++report.heldout;
  }
  learned.commit();
  kept.commit();
  return report;
}

}  // namespace onmal
