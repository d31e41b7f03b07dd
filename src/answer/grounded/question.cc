#include "answer/grounded/question.h"

#include <algorithm>
#include <array>

#include "answer/phrases.h"
#include "answer/pieces.h"
#include "answer/translate.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Words = std::vector<std::string>;

// Runs of letters and digits.
Words words_of(std::string_view text) {
  Words words;
  std::string word;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.valid && is_word_character(c.code)) {
      word.append(text.substr(at, c.length));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
    at += c.length;
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool has_word(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string folded(std::string_view text) {
  return lowercase(normalize_unicode(text, NormalForm::kNfc));
}

bool has_digit(std::string_view text) {
  return text.find_first_of("0123456789") != std::string_view::npos;
}

constexpr std::array<std::string_view, 14> kMonths = {
    "january", "february",  "march",    "april",    "june",    "july",   "august",
    "october", "september", "november", "december", "century", "monday", "sunday"};
constexpr std::array<std::string_view, 12> kNumberWords = {"two", "three",   "four",     "five",
                                                           "six", "seven",   "eight",    "nine",
                                                           "ten", "hundred", "thousand", "million"};
constexpr std::array<std::string_view, 14> kKoreanCounts = {"한 명", "두 ",  "세 ",  "네 ",  "다섯",
                                                            "여섯",  "일곱", "여덟", "아홉", "열 ",
                                                            "수백",  "수천", "백만", "절반"};
constexpr std::array<std::string_view, 10> kKoreanTimes = {"세기", "요일", "오전", "오후", "작년",
                                                           "올해", "내년", "아침", "저녁", "새벽"};
constexpr std::array<std::string_view, 28> kTitles = {
    "씨",   "대왕", "장군", "교수", "박사",   "대통령", "감독", "사장", "팀장", "의장",
    "작가", "가수", "배우", "선생", "담당자", "왕",     "황제", "과장", "부장", "대표",
    "화가", "시인", "학자", "의사", "장관",   "선수",   "이사", "회장"};
constexpr std::array<std::string_view, 20> kSurnames = {"김", "이", "박", "최", "정", "강", "조",
                                                        "윤", "장", "임", "한", "오", "서", "신",
                                                        "권", "황", "안", "송", "류", "홍"};
constexpr std::array<std::string_view, 22> kPlaceEndings = {
    "시에", "도에", "구에", "군에", "동에", "역에",  "국에",    "섬에", "산에",   "강에", "에서",
    "층",   "건물", "근처", "지역", "지방", "에 있", "에 위치", "본사", "회의실", "공항", "호실"};

// "2019", "1443": what is read as a year.
bool has_year(std::string_view text, std::string_view question) {
  for (const FixedPart& part : find_fixed_parts(text)) {
    if (part.kind != FixedPart::Kind::kNumber || part.text.size() != 4) continue;
    const bool year = part.text[0] == '1' || part.text.starts_with("20");
    if (year && !contains(question, part.text)) return true;
  }
  return false;
}

bool has_new_number(std::string_view sentence, std::string_view question) {
  for (const FixedPart& part : find_fixed_parts(sentence)) {
    if (part.kind == FixedPart::Kind::kNumber && !contains(question, part.text)) return true;
  }
  return false;
}

// A capital behind the sentence's first word, in a word that the question lacks.
bool has_new_name(std::string_view sentence, std::string_view folded_question) {
  const Words words = words_of(sentence);
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word[0] < 'A' || word[0] > 'Z') continue;
    if (!contains(folded_question, lowercase(word))) return true;
  }
  return false;
}

bool has_korean_name(std::string_view sentence, std::string_view question) {
  for (const std::string& word : words_of(sentence)) {
    if (contains(question, word)) continue;
    for (const std::string_view title : kTitles) {
      const size_t at = word.find(title);
      if (at != std::string::npos && word.size() - at - title.size() <= 6) return true;
    }
    // Surname, two syllables, a particle: 홍길동은.
    const size_t syllables = count_characters(word);
    const bool surname = std::any_of(kSurnames.begin(), kSurnames.end(),
                                     [&](std::string_view name) { return word.starts_with(name); });
    const bool particle = word.ends_with("은") || word.ends_with("는") || word.ends_with("이") ||
                          word.ends_with("가") || word.ends_with("의");
    if (surname && syllables == 4 && particle) return true;
  }
  return false;
}

bool holds_date(std::string_view sentence, std::string_view low, std::string_view question) {
  if (has_year(sentence, question) || contains_any(low, kMonths)) return true;
  const bool counted = has_new_number(sentence, question);
  if (counted && (contains(sentence, "년") || contains(sentence, "월") ||
                  contains(sentence, "일") || contains(sentence, "시")))
    return true;
  if (counted && (contains(low, "a.m") || contains(low, "p.m") || contains(sentence, ":")))
    return true;
  return contains_any(sentence, kKoreanTimes);
}

constexpr std::array<std::string_view, 33> kGreetings = {
    "안녕",     "안녕하세요", "안녕하십니까", "하이",       "헬로",       "반가워",
    "반가워요", "반갑습니다", "고마워",       "고마워요",   "고맙습니다", "감사합니다",
    "감사해요", "감사",       "정말",         "수고하세요", "수고했어",   "수고하셨습니다",
    "잘자",     "잘",         "자",           "hi",         "hello",      "hey",
    "thanks",   "thank",      "you",          "there",      "bye",        "goodbye",
    "good",     "morning",    "evening"};
constexpr std::array<std::string_view, 20> kAboutAssistant = {
    "너는 누구",      "넌 누구",      "너 누구",         "당신은 누구",     "당신 누구",
    "네 이름",        "너의 이름",    "니 이름",         "당신의 이름",     "넌 뭘 할 수",
    "너는 무엇을 할", "넌 무엇을 할", "너 뭐 할 수",     "네가 할 수 있는", "who are you",
    "what are you",   "your name",    "what can you do", "how are you",     "are you an ai"};
constexpr std::array<std::string_view, 14> kSumWords = {
    "더하기", "빼기",    "곱하기",     "나누기", "제곱", "plus",   "minus",
    "times",  "divided", "multiplied", "더하면", "빼면", "곱하면", "나누면"};
constexpr std::array<std::string_view, 28> kAroundSums = {
    "는",        "은",      "을",         "를",     "에",     "에서",     "로",
    "얼마",      "얼마야",  "얼마인가요", "계산",   "계산해", "계산해줘", "줘",
    "해줘",      "몇",      "몇이야",     "뭐야",   "what",   "is",       "s",
    "calculate", "compute", "by",         "equals", "how",    "much",     "the"};
constexpr std::array<std::string_view, 24> kRewriting = {
    "번역해",     "번역 해",   "요약해",    "요약 해",   "교정해",  "고쳐",
    "고치",       "다듬",      "맞춤법",    "바꿔",      "바꾸어",  "옮겨",
    "정리해",     "translate", "summarize", "summarise", "rewrite", "rephrase",
    "paraphrase", "correct",   "proofread", "shorten",   "fix the", "edit the"};
// A question that begins so asks about rewriting.
constexpr std::array<std::string_view, 12> kAskingWords = {
    "what", "which", "who", "when", "where", "why", "how", "is", "are", "does", "did", "was"};
constexpr std::array<std::string_view, 20> kGivenText = {
    "다음 글",   "다음 문장",      "다음 문단",     "다음 텍스트",    "다음을",
    "아래 글",   "아래 문장",      "아래를",        "아래 문단",      "이 문장",
    "이 글",     "위 글",          "위 문장",       "위의 글",        "this sentence",
    "this text", "this paragraph", "the following", "the text below", "the sentence below"};

// Endings of questions, the longest first where one ends like another.
constexpr std::array<std::string_view, 18> kQuestionEndings = {
    "습니까", "입니까", "니까", "인가요", "은가요", "는가요", "나요",   "가요", "까요",
    "이에요", "예요",   "인가", "는가",   "은가",   "이야",   "인지요", "인지", "이죠"};

// Whether a syllable ends like 었, 했, 있.
bool has_past_final(std::string_view word) {
  if (word.size() < 3) return false;
  const Utf8Char last = read_utf8(word, word.size() - 3);
  constexpr uint32_t kFirst = 0xAC00;
  constexpr uint32_t kFinals = 28;
  constexpr uint32_t kDoubleSiot = 20;
  return last.valid && is_hangul_syllable(last.code) &&
         (last.code - kFirst) % kFinals == kDoubleSiot;
}

// A word without such an ending, as a statement would say it (만들었나요: 만들었다); the word where
// it has none, or is nothing else.
std::string without_ending(std::string_view word) {
  if (is_any(word, kQuestionEndings)) return std::string(word);
  for (const std::string_view ending : kQuestionEndings) {
    if (word.size() <= ending.size() || !word.ends_with(ending)) continue;
    const std::string_view stem = word.substr(0, word.size() - ending.size());
    return std::string(stem) + (has_past_final(stem) ? "다" : "");
  }
  return std::string(word);
}

bool is_greeting(const Words& words) {
  if (words.empty()) return true;  // "ㅎㅎ", "!!", an emoji
  if (words.size() > 4) return false;
  return std::all_of(words.begin(), words.end(),
                     [](const std::string& word) { return is_any(word, kGreetings); });
}

bool is_laughter(std::string_view word) {
  for (size_t at = 0; at < word.size();) {
    const Utf8Char c = read_utf8(word, at);
    if (c.code < 0x3131 || c.code > 0x318E) return false;
    at += c.length;
  }
  return !word.empty();
}

// Two numbers, something that joins them, and nothing else but the words around a sum. Not
// 010-1234-5678 or 2024-05-01.
bool is_sum(std::string_view text, const Words& words) {
  size_t numbers = 0;
  bool joined = text.find_first_of("+*/^%") != std::string_view::npos || contains(text, "×") ||
                contains(text, "÷") || contains(text, " - ");
  const auto hyphens = std::count(text.begin(), text.end(), '-');
  for (const std::string& word : words) {
    const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
    if (digits > 1 && word[0] == '0') return false;
    numbers += digits > 0 ? 1 : 0;
    const std::string_view rest = std::string_view(word).substr(digits);
    if (rest.empty() || rest == "x" || is_any(rest, kAroundSums)) {
      joined = joined || rest == "x";
      continue;
    }
    if (!contains_any(rest, kSumWords)) return false;
    joined = true;
  }
  return numbers >= 2 && (joined || (hyphens == 1 && numbers == 2));
}

bool is_rewriting(std::string_view text, const Words& words) {
  if (!contains_any(text, kRewriting) || is_any(words.front(), kAskingWords)) return false;
  const size_t mark = text.find_first_of(":\n\"");
  // Something must stand behind the mark, and not the time of day.
  const bool behind = mark != std::string_view::npos && text.size() - mark > 8;
  return behind || contains(text, "“") || contains_any(text, kGivenText);
}

}  // namespace

QuestionKind question_kind(std::string_view question) {
  const std::string low = folded(question);
  const Words words = words_of(low);
  constexpr std::array<std::string_view, 12> kDateWords = {
      "언제",  "몇 년", "몇년",      "며칠",    "몇 월",     "몇월",
      "몇 시", "몇시",  "무슨 요일", "어느 해", "what year", "which year"};
  constexpr std::array<std::string_view, 8> kNumberAsked = {
      "얼마", "how many", "how much", "how long", "how old", "how tall", "what percentage", "몇"};
  constexpr std::array<std::string_view, 5> kPlaceWords = {"어디", "어느 나라", "어느 도시",
                                                           "what city", "what country"};
  if (contains_any(low, kDateWords) || has_word(words, "when") || contains(low, "what date"))
    return QuestionKind::kDate;
  if (contains(low, "누구") || contains(low, "누가") || has_word(words, "who") ||
      has_word(words, "whom") || has_word(words, "whose"))
    return QuestionKind::kPerson;
  if (contains_any(low, kPlaceWords) || has_word(words, "where")) return QuestionKind::kPlace;
  if (contains_any(low, kNumberAsked)) return QuestionKind::kNumber;
  return QuestionKind::kOther;
}

bool holds_kind(std::string_view sentence, QuestionKind kind, std::string_view question) {
  const std::string low = folded(sentence);
  const std::string asked = folded(question);
  switch (kind) {
    case QuestionKind::kOther:
      return true;
    case QuestionKind::kNumber: {
      if (has_new_number(sentence, asked) || contains_any(sentence, kKoreanCounts)) return true;
      const Words words = words_of(low);
      return std::any_of(kNumberWords.begin(), kNumberWords.end(),
                         [&](std::string_view word) { return has_word(words, word); });
    }
    case QuestionKind::kDate:
      return holds_date(sentence, low, asked);
    case QuestionKind::kPerson:
      return has_new_name(sentence, asked) || has_korean_name(sentence, asked);
    case QuestionKind::kPlace:
      return contains_any(sentence, kPlaceEndings) || has_new_name(sentence, asked);
  }
  return true;
}

bool needs_lookup(std::string_view question) {
  const std::string text = folded(question);
  Words words = words_of(text);
  std::erase_if(words, is_laughter);
  if (is_greeting(words)) return false;
  if (contains_any(text, kAboutAssistant) && words.size() <= 8) return false;
  if (has_digit(text) && is_sum(text, words)) return false;
  return !is_rewriting(text, words);
}

std::string answer_language(std::string_view question) {
  return detect_language(normalize_unicode(question, NormalForm::kNfc)) == "ko" ? "ko" : "en";
}

std::string question_topic(std::string_view question) {
  const std::string text = normalize_unicode(question, NormalForm::kNfc);
  constexpr std::string_view kEnds = "?!. \t\r\n";
  std::string topic;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    std::string word = text.substr(begin, end - begin);
    const size_t letters = word.find_last_not_of(kEnds);
    const bool last =
        text.find_first_not_of(kEnds, end) == std::string::npos || word.ends_with('?');
    if (last && letters != std::string::npos)
      word = without_ending(std::string_view(word).substr(0, letters + 1));
    topic += (topic.empty() ? "" : " ");
    topic += word;
    begin = end + 1;
  }
  return topic;
}

std::string_view plain_words() {
  return "누구 누가 누구인가 누구인가요 언제 언제인가 언제인가요 어디 어디서 어디에 어디인가 무엇 "
         "무엇인가 무엇인가요 무엇이 뭐 뭐야 뭔가요 무슨 어떤 어느 어떻게 몇 얼마 얼마나 왜 인가 "
         "인가요 입니까 있는 있나요 있다 있습니다 있습니까 있어 하는 하나요 했나요 합니까 한다 "
         "했다 "
         "합 됩 하 되 해 했 됐 할 될 한 된 있 없 이었 까지 부터 언제까지 언제부터 몇 누 "
         "되는 되나요 된다 됐나요 대해 대한 관한 관해 위해 통해 그리고 그러나 또는 및 것 것은 것이 "
         "수 등 이 그 저 알려줘 알려 주세요 말해줘 설명해줘 궁금해 좀 "
         "a an the of in on at to for from by with and or as is are was were be been being do does "
         "did has have had it its this that these those there what which who whom whose when where "
         "why how many much can could would should will may might i you we they he she his her "
         "their our your not about into than then so if please tell me";
}

}  // namespace onmal
