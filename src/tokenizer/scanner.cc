#include "tokenizer/scanner.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlamaPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSuperNumbers = R"(\p{N}+)";
constexpr std::string_view kSuperThrees = R"((?=(\d{3})+(?!\d)))";

// Length of an English contraction after the apostrophe at `position`, 0 when there is none.
size_t contraction_length(std::string_view text, size_t position, bool any_case) {
  if (text[position] != '\'') return 0;
  const auto letter = [&](size_t offset) -> char {
    if (position + offset >= text.size()) return '\0';
    const char c = text[position + offset];
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(1);
  const char second = letter(2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const bool pair = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                    (first == 'l' && second == 'l');
  if (pair) return 3;
  // U+017F folds to s: (?i:'s) matches it.
  if (any_case && text.substr(position + 1, 2) == "\xC5\xBF") return 3;
  return 0;
}

bool is_newline(uint32_t code) { return code == '\r' || code == '\n'; }

}  // namespace

const std::vector<std::string>& Scanner::names() {
  static const std::vector<std::string> kNames = {"gpt-2", "llama-bpe", "qwen2", "superbpe"};
  return kNames;
}

Scanner::Scanner(std::string_view name) : name_(name) {
  const auto found = std::find(names().begin(), names().end(), name);
  if (found == names().end()) {
    throw Error(ErrorCode::kUnsupported, "tokenizer", "unknown pre-tokenizer '" + name_ + "'",
                "known ones: gpt-2, llama-bpe, qwen2, superbpe");
  }
  kind_ = static_cast<Kind>(found - names().begin());
}

std::vector<std::string> Scanner::patterns() const {
  switch (kind_) {
    case Kind::kGpt2:
      return {std::string(kGpt2Pattern)};
    case Kind::kLlama:
      return {std::string(kLlamaPattern)};
    case Kind::kQwen2:
      return {std::string(kQwen2Pattern)};
    case Kind::kSuper:
      break;
  }
  return {std::string(kSuperNumbers), std::string(kSuperThrees)};
}

std::string Scanner::name_of_patterns(const std::vector<std::string>& patterns) {
  if (patterns.size() == 2 && patterns[0] == kSuperNumbers && patterns[1] == kSuperThrees)
    return "superbpe";
  if (patterns.size() != 1) return "";
  if (patterns[0] == kGpt2Pattern) return "gpt-2";
  if (patterns[0] == kLlamaPattern) return "llama-bpe";
  if (patterns[0] == kQwen2Pattern) return "qwen2";
  return "";
}

inline Scanner::Char Scanner::read(std::string_view text, size_t position) const {
  const auto byte = [&](size_t at) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text[at]));
  };
  const uint32_t lead = byte(position);
  if (lead < 0x80) return {lead, 1, classes_.of(lead)};
  // Most of Hangul and Han: a lead whose second byte may be any that continues.
  if (lead > 0xE0 && lead < 0xED && position + 2 < text.size()) {
    const uint32_t second = byte(position + 1);
    const uint32_t third = byte(position + 2);
    if ((second & 0xC0) == 0x80 && (third & 0xC0) == 0x80) {
      const uint32_t code = (lead & 0xF) << 12 | (second & 0x3F) << 6 | (third & 0x3F);
      return {code, 3, classes_.of(code)};
    }
  }
  const Utf8Char c = read_utf8(text, position);
  return {c.code, c.length, c.valid ? classes_.of(c.code) : CharClass::kOther};
}

size_t Scanner::run_of(std::string_view text, size_t position, CharClass kind) const {
  while (position < text.size()) {
    const Char c = read(text, position);
    if (c.kind != kind) break;
    position += c.length;
  }
  return position;
}

// White space from `begin` on: with newlines_apart, up to and with its last newline when it has
// one; else all of it but the last character when something follows (that one belongs to the next
// word); a lone one is taken.
size_t Scanner::space_end(std::string_view text, size_t begin, bool newlines_apart) const {
  size_t end = begin;
  size_t last = begin;
  size_t after_newline = 0;
  while (end < text.size()) {
    const Char c = read(text, end);
    if (c.kind != CharClass::kSpace) break;
    last = end;
    end += c.length;
    if (newlines_apart && is_newline(c.code)) after_newline = end;
  }
  if (after_newline > 0) return after_newline;
  return end == text.size() || last == begin ? end : last;
}

size_t Scanner::gpt2_end(std::string_view text, size_t begin) const {
  if (const size_t length = contraction_length(text, begin, false); length > 0)
    return begin + length;
  const Char first = read(text, begin);
  size_t at = begin;
  CharClass kind = first.kind;
  if (first.code == ' ' && begin + 1 < text.size()) {
    const Char next = read(text, begin + 1);
    if (next.kind != CharClass::kSpace) {
      at = begin + 1;
      kind = next.kind;
    }
  }
  if (kind == CharClass::kSpace) return space_end(text, begin, false);
  return run_of(text, at, kind);
}

size_t Scanner::llama_end(std::string_view text, size_t begin, size_t most_digits) const {
  if (const size_t length = contraction_length(text, begin, true); length > 0)
    return begin + length;
  const Char first = read(text, begin);
  if (first.kind == CharClass::kLetter) return run_of(text, begin, CharClass::kLetter);
  const size_t second_at = begin + first.length;
  const bool has_second = second_at < text.size();
  if (first.kind != CharClass::kNumber && !is_newline(first.code) && has_second &&
      read(text, second_at).kind == CharClass::kLetter) {
    return run_of(text, second_at, CharClass::kLetter);
  }
  if (first.kind == CharClass::kNumber) {
    size_t end = begin;
    for (size_t digits = 0; digits < most_digits && end < text.size(); ++digits) {
      const Char c = read(text, end);
      if (c.kind != CharClass::kNumber) break;
      end += c.length;
    }
    return end;
  }
  const bool spaced =
      first.code == ' ' && has_second && read(text, second_at).kind == CharClass::kOther;
  if (first.kind == CharClass::kOther || spaced) {
    size_t end = run_of(text, spaced ? second_at : begin, CharClass::kOther);
    while (end < text.size() && is_newline(static_cast<uint8_t>(text[end]))) ++end;
    return end;
  }
  return space_end(text, begin, true);
}

void Scanner::split_super(std::string_view text, FunctionRef<void(size_t, size_t)> piece) const {
  size_t begin = 0;
  size_t counted_to = 0;    // decimal digits are counted up to here, each once
  size_t digits = 0;        // of those, the ones from the current place on
  bool in_numbers = false;  // what the stretch from `begin` on holds
  for (size_t at = 0; at < text.size();) {
    const Char c = read(text, at);
    const bool number = c.kind == CharClass::kNumber;
    if (at > begin && number != in_numbers) {
      piece(begin, at);
      begin = at;
    }
    in_numbers = number;
    at += c.length;
    if (!number) continue;
    if (digits > 0) --digits;
    if (at > counted_to || digits == 0) {
      digits = 0;
      for (counted_to = at; counted_to < text.size(); ++digits) {
        const Char next = read(text, counted_to);
        if (!classes_.is_decimal(next.code) || next.kind != CharClass::kNumber) break;
        counted_to += next.length;
      }
    }
    if (digits > 0 && digits % 3 == 0) {
      piece(begin, at);
      begin = at;
    }
  }
  if (begin < text.size()) piece(begin, text.size());
}

void Scanner::split(std::string_view text, FunctionRef<void(size_t, size_t)> piece) const {
  if (kind_ == Kind::kSuper) return split_super(text, piece);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = kind_ == Kind::kGpt2 ? gpt2_end(text, begin)
                                            : llama_end(text, begin, kind_ == Kind::kLlama ? 3 : 1);
    piece(begin, end);
    begin = end;
  }
}

}  // namespace onmal
