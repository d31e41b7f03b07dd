#include "answer/claims/claim_splitter.h"

#include <algorithm>
#include <array>

#include "answer/grounded/abstain.h"
#include "answer/grounded/citations.h"
#include "answer/phrases.h"
#include "base/ascii.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kShortBytes = 90;  // a greeting is no longer

constexpr std::array<std::string_view, 12> kQuestionEndings = {
    "습니까", "입니까", "인가요", "은가요", "는가요", "나요",
    "할까요", "일까요", "을까요", "인가",   "는가",   "니까요"};
constexpr std::array<std::string_view, 21> kGreetings = {"안녕하세요",
                                                         "안녕하십니까",
                                                         "반갑습니다",
                                                         "감사합니다",
                                                         "고맙습니다",
                                                         "고마워",
                                                         "알겠습니다",
                                                         "좋은 질문",
                                                         "도움이 되",
                                                         "궁금한 점",
                                                         "더 필요한",
                                                         "hello",
                                                         "hi ",
                                                         "hi,",
                                                         "thank",
                                                         "sure",
                                                         "of course",
                                                         "you're welcome",
                                                         "great question",
                                                         "good question",
                                                         "certainly"};
constexpr std::array<std::string_view, 12> kOffers = {
    "말씀해 주세요",  "물어보세요",       "문의해 주세요", "도와드리",
    "도움이 되",      "알려 주세요",      "let me know",   "hope this",
    "hope that help", "feel free to ask", "happy to help", "anything else"};
constexpr std::array<std::string_view, 29> kHedges = {
    "것 같",      "듯하",         "듯합",          "듯 하",        "지도 모르",     "지 모르",
    "모르겠",     "알 수 없",     "추측",          "추정하건대",   "아마",          "확실하지 않",
    "확실치 않",  "perhaps",      "maybe",         "probably",     "possibly",      " might ",
    "i think",    "i believe",    "i guess",       "i'm not sure", "i am not sure", "it seems",
    "it appears", "i don't know", "i do not know", "i cannot",     "not certain"};
constexpr std::array<std::string_view, 13> kSources = {
    "출처:",   "출처 :",   "참고:",      "참고 :",      "참고 문헌", "근거:", "자료:",
    "source:", "sources:", "reference:", "references:", "see also",  "cf."};

bool has_letters(std::string_view text) {
  size_t letters = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.valid && is_word_character(c.code) && !is_number(c.code)) ++letters;
    at += c.length;
  }
  return letters >= 2;
}

// Without the quotes and emphasis around all of it.
TextSpan inside_quotes(std::string_view text, TextSpan span) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kQuotes = {{{"“", "”"},
                                                                                     {"\"", "\""},
                                                                                     {"‘", "’"},
                                                                                     {"「", "」"},
                                                                                     {"『", "』"},
                                                                                     {"'", "'"},
                                                                                     {"**", "**"},
                                                                                     {"> ", ""}}};
  for (const auto& [open, close] : kQuotes) {
    const std::string_view inside = span.in(text);
    const bool around = inside.size() > open.size() + close.size() && inside.starts_with(open) &&
                        inside.ends_with(close);
    if (!around) continue;
    const std::string_view body =
        inside.substr(open.size(), inside.size() - open.size() - close.size());
    // "“a” and “b”" is quoted twice, not as a whole.
    if (!close.empty() && body.find(close) != std::string_view::npos) continue;
    span = {span.begin + open.size(), span.end - close.size()};
  }
  return span;
}

bool is_question(std::string_view text) {
  if (text.ends_with("?") || text.ends_with("？")) return true;
  while (!text.empty() && (text.back() == '.' || text.back() == '!')) text.remove_suffix(1);
  return ends_with_any(text, kQuestionEndings);
}

bool claims_something(std::string_view text) {
  const std::string low = lowercase(text);
  if (!has_letters(low) || is_question(text)) return false;
  if (low.ends_with(":") || low.starts_with("#") || low.ends_with("：")) return false;
  if (starts_with_any(low, kSources)) return false;
  if (low.size() <= kShortBytes && starts_with_any(low, kGreetings)) {
    // "네, 한라산의 높이는 …" still says something.
    const size_t comma = low.find(", ");
    if (comma == std::string::npos || low.size() - comma < kShortBytes / 4) return false;
  }
  if (contains_any(low, kOffers) || contains_any(low, kHedges)) return false;
  return !says_unknown(text);
}

// Bytes of fenced code become spaces, so that offsets stay.
std::string without_code(std::string_view answer) {
  std::string text(answer);
  bool open = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const size_t first = text.find_first_not_of(" \t", begin);
    const bool fence = first < end && std::string_view(text).substr(first, 3) == "```";
    if (fence || open)
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin),
                text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    if (fence) open = !open;
    begin = end + 1;
  }
  return text;
}

std::string_view readable_part(std::string_view answer, size_t most_bytes) {
  if (answer.size() <= most_bytes) return answer;
  size_t end = answer.rfind('\n', most_bytes);
  if (end == std::string_view::npos || end < most_bytes / 2) end = answer.rfind(' ', most_bytes);
  if (end == std::string_view::npos || end < most_bytes / 2) {
    end = most_bytes;
    while (end > 0 && (static_cast<unsigned char>(answer[end]) & 0xC0U) == 0x80U) --end;
  }
  return answer.substr(0, end);
}

std::vector<TextSpan> split_at_semicolons(std::string_view text) {
  std::vector<TextSpan> parts;
  for (size_t begin = 0; begin < text.size();) {
    const size_t mark = std::min(text.find("; ", begin), text.size());
    const std::string_view part = trim_ascii(text.substr(begin, mark - begin));
    if (!part.empty()) {
      const auto at = static_cast<size_t>(part.data() - text.data());
      parts.push_back({at, at + part.size()});
    }
    begin = mark + 2;
  }
  return parts;
}

// A claim's text without citations, where a place of it stands in the answer.
void add_claims(const Claim& claim, std::string_view answer, SplitClaims& out) {
  const size_t line = answer.rfind('\n', claim.begin) + 1;  // npos + 1 is 0
  if (trim_ascii(answer.substr(line, claim.begin - line)).starts_with('#')) return;  // a heading
  const std::string_view written = answer.substr(claim.begin, claim.end - claim.begin);
  // Citations within the sentence make both differ: then it stays whole.
  const bool same = written == claim.text;
  std::vector<TextSpan> parts = {{0, claim.text.size()}};
  if (same) parts = split_at_semicolons(claim.text);
  for (TextSpan part : parts) {
    if (same) part = inside_quotes(claim.text, part);
    const std::string_view text = part.in(claim.text);
    if (!claims_something(text)) continue;
    const size_t begin = same ? claim.begin + part.begin : claim.begin;
    const size_t end = same ? claim.begin + part.end : claim.end;
    out.claims.push_back({begin, end, std::string(text)});
  }
}

struct Word {
  size_t begin, end;
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (size_t begin = text.find_first_not_of(' '); begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back({begin, end});
    begin = text.find_first_not_of(' ', end);
  }
  return words;
}

// 만들었고, 이고, 하며, 있지만: an ending that joins clauses. Not 광고, 창고, 사고.
bool joins_clauses(std::string_view word) {
  if (word.ends_with(",")) word.remove_suffix(1);
  if (word.ends_with("아니라")) return true;
  for (const std::string_view ending : {"지만", "으며", "으나", "면서", "는데", "은데"}) {
    if (word.size() > ending.size() && word.ends_with(ending)) return true;
  }
  const bool and_ending = word.ends_with("고") || word.ends_with("며") || word.ends_with("나");
  if (!and_ending || word.size() < 6) return false;
  const std::string_view stem = word.substr(0, word.size() - 3);
  const Utf8Char last = read_utf8(stem, stem.size() - 3);
  if (!last.valid || !is_hangul_syllable(last.code)) return false;
  constexpr uint32_t kFirst = 0xAC00;
  constexpr uint32_t kFinals = 28;
  constexpr uint32_t kDoubleSiot = 20;
  constexpr uint32_t kBieupSiot = 18;
  constexpr uint32_t kNieunHieut = 6;
  const uint32_t final = (last.code - kFirst) % kFinals;
  if (final == kDoubleSiot || final == kBieupSiot || final == kNieunHieut) return true;
  constexpr std::array<std::string_view, 10> kStems = {"이", "하", "되", "크", "작",
                                                       "높", "낮", "르", "열", "닫"};
  const bool verb = ends_with_any(stem, kStems);
  return verb && !word.ends_with("나");
}

bool is_joining_word(std::string_view word) {
  return word == "and" || word == "but" || word == "while" || word == "whereas";
}

}  // namespace

SplitClaims split_claims(std::string_view answer, int64_t passages, size_t most_bytes,
                         size_t most_claims) {
  SplitClaims out;
  const std::string_view part = readable_part(answer, most_bytes);
  out.read_bytes = part.size();
  const std::string text = without_code(part);
  for (const Claim& claim : find_claims(text, passages)) {
    ++out.sentences;
    add_claims(claim, text, out);
    if (out.claims.size() < most_claims) continue;
    out.claims.resize(most_claims);
    out.read_bytes = out.claims.back().end;
    break;
  }
  return out;
}

std::vector<TextSpan> split_clauses(std::string_view sentence) {
  const std::vector<Word> words = words_of(sentence);
  std::vector<TextSpan> clauses;
  size_t first = 0;                      // word
  const auto close = [&](size_t last) {  // words [first, last)
    if (last > first) clauses.push_back({words[first].begin, words[last - 1].end});
    first = last;
  };
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = sentence.substr(words[i].begin, words[i].end - words[i].begin);
    const size_t before = i - first;
    const size_t behind = words.size() - i - 1;
    if (is_joining_word(word) && before >= 3 && behind >= 3) {
      close(i);
      first = i + 1;
    } else if (joins_clauses(word) && before >= 1 && behind >= 1) {
      close(i + 1);
    }
  }
  close(words.size());
  return clauses;
}

}  // namespace onmal
