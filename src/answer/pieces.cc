#include "answer/pieces.h"

#include <algorithm>

#include "base/ascii.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Bytes inside fences of ``` lines.
std::vector<TextSpan> fenced_code(std::string_view text) {
  std::vector<TextSpan> blocks;
  bool open = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const size_t first = text.find_first_not_of(" \t", begin);
    if (first < end && text.substr(first, 3) == "```") {
      if (!open) blocks.push_back({begin, text.size()});
      if (open) blocks.back().end = end;
      open = !open;
    }
    begin = end + 1;
  }
  return blocks;
}

bool has_letter(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    if (c.valid && is_word_character(c.code) && !is_number(c.code) && c.code != '_') return true;
    i += c.length;
  }
  return false;
}

// Cuts a sentence that does not fit: the longest beginnings that do, best behind a comma.
void cut_sentence(std::string_view text, TextSpan sentence,
                  FunctionRef<bool(std::string_view)> fits, std::vector<TextSpan>& parts) {
  while (!fits(sentence.in(text))) {
    // Where characters begin, and how good a cut before each is.
    std::vector<std::pair<size_t, int>> places;
    for (size_t i = sentence.begin; i < sentence.end;) {
      const char last = i > sentence.begin ? text[i - 1] : 'x';
      const bool comma = last == ' ' && i >= sentence.begin + 2 &&
                         std::string_view(",;:").find(text[i - 2]) != std::string_view::npos;
      if (i > sentence.begin) places.emplace_back(i, comma ? 2 : (last == ' ' ? 1 : 0));
      i += read_utf8(text, i).length;
    }
    if (places.empty()) break;  // a single character: whoever writes says what is wrong
    const auto cut_at = [&](int quality) {
      size_t best = 0;
      size_t low = 0;
      size_t high = places.size();  // the last place whose beginning fits, by bisection
      while (low < high) {
        const size_t middle = (low + high) / 2;
        if (fits(text.substr(sentence.begin, places[middle].first - sentence.begin))) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      for (size_t i = 0; i < low; ++i) {
        if (places[i].second >= quality) best = places[i].first;
      }
      return best;
    };
    size_t cut = cut_at(2);
    if (cut < sentence.begin + (sentence.end - sentence.begin) / 8) cut = std::max(cut, cut_at(1));
    if (cut == 0) cut = std::max(cut_at(0), places[0].first);
    size_t end = cut;
    while (end > sentence.begin && text[end - 1] == ' ') --end;
    if (end > sentence.begin) parts.push_back({sentence.begin, end});
    sentence.begin = cut;
    while (sentence.begin < sentence.end && text[sentence.begin] == ' ') ++sentence.begin;
  }
  if (sentence.begin < sentence.end) parts.push_back(sentence);
}

bool is_address_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7F &&
         std::string_view("\"'<>`()[]{}").find(c) == std::string_view::npos;
}

// The end of an address that begins at `i`; `i` where none does.
size_t address_end(std::string_view text, size_t i) {
  size_t end = i;
  while (end < text.size() && is_address_byte(text[end])) ++end;
  while (end > i && std::string_view(".,;:!?").find(text[end - 1]) != std::string_view::npos) --end;
  const std::string_view word = text.substr(i, end - i);
  for (const char* scheme : {"http://", "https://", "ftp://", "www."}) {
    if (word.starts_with(scheme) && word.size() > std::string_view(scheme).size()) return end;
  }
  const size_t at = word.find('@');
  const bool mail = at != std::string_view::npos && at > 0 &&
                    word.find('.', at) != std::string_view::npos &&
                    word.find('@', at + 1) == std::string_view::npos;
  return mail ? end : i;
}

std::string without_commas(std::string_view number) {
  std::string digits;
  for (const char c : number) {
    if (c != ',') digits += c;
  }
  return digits;
}

}  // namespace

std::vector<TextSpan> cut_into_parts(std::string_view text,
                                     FunctionRef<bool(std::string_view part)> fits) {
  const std::vector<TextSpan> code = fenced_code(text);
  const auto in_code = [&](const TextSpan& span) {
    return std::any_of(code.begin(), code.end(), [&](const TextSpan& block) {
      return span.begin < block.end && block.begin < span.end;
    });
  };
  std::vector<TextSpan> parts;
  bool open = false;  // the last part may take a sentence more
  for (const TextSpan& sentence : split_sentences(text)) {
    if (in_code(sentence) || !has_letter(sentence.in(text))) {
      open = false;
      continue;
    }
    if (open) {
      const std::string_view between =
          text.substr(parts.back().end, sentence.begin - parts.back().end);
      const TextSpan joined{parts.back().begin, sentence.end};
      if (between.find('\n') == std::string_view::npos && fits(joined.in(text))) {
        parts.back() = joined;
        continue;
      }
    }
    cut_sentence(text, sentence, fits, parts);
    open = !parts.empty();
  }
  return parts;
}

std::string replace_parts(std::string_view text, const std::vector<TextSpan>& parts,
                          const std::vector<std::string>& replacements) {
  std::string result;
  size_t done = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    result += text.substr(done, parts[i].begin - done);
    result += replacements[i];
    done = parts[i].end;
  }
  return result += text.substr(done);
}

std::string_view fixed_part_name(FixedPart::Kind kind) {
  switch (kind) {
    case FixedPart::Kind::kAddress:
      return "url";
    case FixedPart::Kind::kCode:
      return "code";
    case FixedPart::Kind::kNumber:
      break;
  }
  return "number";
}

std::vector<FixedPart> find_fixed_parts(std::string_view text) {
  std::vector<FixedPart> parts;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '`') {
      const size_t end = text.find('`', i + 1);
      if (end != std::string_view::npos && end > i + 1) {
        parts.push_back({FixedPart::Kind::kCode, std::string(text.substr(i, end + 1 - i))});
        i = end + 1;
        continue;
      }
    }
    const bool begins = i == 0 || !is_address_byte(text[i - 1]);
    const size_t behind = begins ? address_end(text, i) : i;
    if (behind > i) {
      parts.push_back({FixedPart::Kind::kAddress, std::string(text.substr(i, behind - i))});
      i = behind;
      continue;
    }
    if (!is_ascii_digit(text[i])) {
      i += read_utf8(text, i).length;
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() &&
           (is_ascii_digit(text[end]) || ((text[end] == '.' || text[end] == ',') &&
                                          end + 1 < text.size() && is_ascii_digit(text[end + 1]))))
      ++end;
    parts.push_back({FixedPart::Kind::kNumber, without_commas(text.substr(i, end - i))});
    i = end;
  }
  return parts;
}

std::vector<FixedPart> find_lost_parts(std::string_view before, std::string_view after) {
  std::vector<FixedPart> there = find_fixed_parts(after);
  std::vector<FixedPart> lost;
  for (FixedPart& part : find_fixed_parts(before)) {
    const auto found = std::find(there.begin(), there.end(), part);
    if (found == there.end()) {
      lost.push_back(std::move(part));
    } else {
      there.erase(found);
    }
  }
  return lost;
}

}  // namespace onmal
