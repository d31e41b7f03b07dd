#include "tokenizer/jinja/text.h"

#include <algorithm>

#include "text/utf8.h"

namespace onmal::jinja {
namespace {

constexpr char32_t kByteBase = 0xDC00;  // a lone surrogate, as Python's surrogateescape has it

}  // namespace

Text decode_text(std::string_view utf8, uint32_t mark) {
  Text text;
  text.reserve(utf8.size());
  const char32_t high = static_cast<char32_t>(mark) << kCodeBits;
  for (size_t at = 0; at < utf8.size();) {
    const Utf8Char character = read_utf8(utf8, at);
    text += (character.valid ? character.code : kByteBase + character.code) | high;
    at += character.length;
  }
  return text;
}

void append_encoded(char32_t character, std::string& utf8) {
  const char32_t code = code_of(character);
  if (code >= kByteBase && code < kByteBase + 0x100) {
    utf8 += static_cast<char>(code - kByteBase);
  } else if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
    append_utf8(0xFFFD, utf8);
  } else {
    append_utf8(code, utf8);
  }
}

std::string encode_text(TextView text) {
  std::string utf8;
  utf8.reserve(text.size());
  for (const char32_t character : text) append_encoded(character, utf8);
  return utf8;
}

Text ascii(std::string_view text) { return {text.begin(), text.end()}; }

int compare_text(TextView a, TextView b) {
  const size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; ++i) {
    if (code_of(a[i]) != code_of(b[i])) return code_of(a[i]) < code_of(b[i]) ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool equal_text(TextView a, TextView b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char32_t x, char32_t y) { return code_of(x) == code_of(y); });
}

bool equal_text(TextView a, std::string_view ascii_text) {
  return a.size() == ascii_text.size() &&
         std::equal(a.begin(), a.end(), ascii_text.begin(),
                    [](char32_t x, char y) { return code_of(x) == static_cast<unsigned char>(y); });
}

size_t find_text(TextView text, TextView part, size_t begin) {
  if (part.size() > text.size()) return TextView::npos;
  for (size_t at = begin; at + part.size() <= text.size(); ++at) {
    if (equal_text(text.substr(at, part.size()), part)) return at;
  }
  return TextView::npos;
}

size_t find_last_text(TextView text, TextView part) {
  if (part.size() > text.size()) return TextView::npos;
  for (size_t at = text.size() - part.size() + 1; at-- > 0;) {
    if (equal_text(text.substr(at, part.size()), part)) return at;
  }
  return TextView::npos;
}

TextView strip_text(TextView text, const Text* characters, bool left, bool right) {
  const auto strippable = [&](char32_t character) {
    if (characters == nullptr) return is_space(character);
    return std::any_of(characters->begin(), characters->end(),
                       [&](char32_t other) { return code_of(other) == code_of(character); });
  };
  while (left && !text.empty() && strippable(text.front())) text.remove_prefix(1);
  while (right && !text.empty() && strippable(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<Text> split_text(TextView text, const Text* separator, int64_t most) {
  std::vector<Text> parts;
  if (separator == nullptr) {
    text = strip_text(text, nullptr, true, false);
    while (!text.empty() && (most < 0 || static_cast<int64_t>(parts.size()) < most)) {
      const auto end = std::find_if(text.begin(), text.end(), is_space);
      parts.emplace_back(text.begin(), end);
      text.remove_prefix(static_cast<size_t>(end - text.begin()));
      text = strip_text(text, nullptr, true, false);
    }
    if (!text.empty()) parts.emplace_back(strip_text(text, nullptr, false, true));
    return parts;
  }
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const size_t at = find_text(text, *separator);
    if (at == TextView::npos) break;
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator->size());
  }
  parts.emplace_back(text);
  return parts;
}

std::vector<Text> split_text_from_end(TextView text, const Text* separator, int64_t most) {
  std::vector<Text> parts;
  const auto room = [&] { return most < 0 || static_cast<int64_t>(parts.size()) < most; };
  if (separator == nullptr) {
    text = strip_text(text, nullptr, false, true);
    while (!text.empty() && room()) {
      size_t begin = text.size();
      while (begin > 0 && !is_space(text[begin - 1])) --begin;
      parts.emplace_back(text.substr(begin));
      text = strip_text(text.substr(0, begin), nullptr, false, true);
    }
    if (!text.empty()) parts.emplace_back(strip_text(text, nullptr, true, false));
  } else {
    while (room()) {
      const size_t at = find_last_text(text, *separator);
      if (at == TextView::npos) break;
      parts.emplace_back(text.substr(at + separator->size()));
      text = text.substr(0, at);
    }
    parts.emplace_back(text);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_lines(TextView text, bool keep_ends) {
  const auto ends_line = [](char32_t code) {
    return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
           code == 0x2028 || code == 0x2029;
  };
  std::vector<Text> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && !ends_line(code_of(text[end]))) ++end;
    size_t next = end;
    if (next < text.size()) {
      const bool pair = code_of(text[next]) == U'\r' && next + 1 < text.size() &&
                        code_of(text[next + 1]) == U'\n';
      next += pair ? 2 : 1;
    }
    lines.emplace_back(text.substr(begin, (keep_ends ? next : end) - begin));
    begin = next;
  }
  return lines;
}

Text replace_text(TextView text, TextView from, TextView to, int64_t count) {
  Text result;
  size_t at = 0;
  for (int64_t done = 0; count < 0 || done < count; ++done) {
    if (from.empty()) {
      result += to;
      if (at >= text.size()) return result;
      result += text[at++];
      continue;
    }
    const size_t found = find_text(text, from, at);
    if (found == TextView::npos) break;
    result += text.substr(at, found - at);
    result += to;
    at = found + from.size();
  }
  return result += text.substr(std::min(at, text.size()));
}

}  // namespace onmal::jinja
