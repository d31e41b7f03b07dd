#include "text/encoding.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr size_t kSample = size_t{1} << 20;

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter open_converter(const std::string& label) {
  UErrorCode status = U_ZERO_ERROR;
  Converter converter(ucnv_open(label.c_str(), &status));
  return U_FAILURE(status) ? nullptr : std::move(converter);
}

void append_units(const char16_t* units, size_t count, std::string& text) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t unit = units[i];
    const bool pair = unit >= 0xD800 && unit < 0xDC00 && i + 1 < count && units[i + 1] >= 0xDC00 &&
                      units[i + 1] < 0xE000;
    if (pair) {
      append_utf8(0x10000 + ((unit - 0xD800) << 10) + (units[++i] - 0xDC00U), text);
    } else {
      append_utf8(unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit, text);
    }
  }
}

DecodedText as_utf8(std::string_view bytes) {
  // Most files are in NFC already, and ASCII is.
  const bool ascii = std::all_of(bytes.begin(), bytes.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return {ascii ? std::string(bytes) : normalize_unicode(bytes, NormalForm::kNfc), "UTF-8"};
}

DecodedText converted(std::string_view bytes, const std::string& label) {
  std::string text;
  convert_to_utf8(bytes, label, text);
  return {normalize_unicode(text, NormalForm::kNfc), label};
}

std::optional<DecodedText> decode_marked(std::string_view bytes) {
  if (bytes.starts_with(kMark)) return as_utf8(bytes);
  if (bytes.starts_with("\xFF\xFE")) return converted(bytes, "UTF-16LE");
  if (bytes.starts_with("\xFE\xFF")) return converted(bytes, "UTF-16BE");
  return std::nullopt;
}

// UTF-16 without a mark: ASCII and line breaks leave zeros in every other byte.
std::optional<std::string> guess_utf16(std::string_view bytes) {
  if (bytes.size() < 2 || bytes.size() % 2 != 0) return std::nullopt;
  const std::string_view sample = bytes.substr(0, kSample);
  std::array<size_t, 2> zeros = {0, 0};
  for (size_t i = 0; i < sample.size(); ++i) zeros[i % 2] += sample[i] == '\0';
  const size_t least = std::max<size_t>(1, sample.size() / 2 / 20);
  if (zeros[1] >= least && zeros[0] * 20 <= zeros[1]) return "UTF-16LE";
  if (zeros[0] >= least && zeros[1] * 20 <= zeros[0]) return "UTF-16BE";
  return std::nullopt;
}

// Share of the characters beyond ASCII that Korean text is made of; 0 when some byte is invalid.
double korean_share(std::string_view bytes, std::string& text) {
  if (!convert_to_utf8(bytes, "windows-949", text)) return 0.0;
  size_t beyond = 0;
  size_t common = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    i += c.length;
    if (c.code < 0x80) continue;
    ++beyond;
    if (c.code == 0xFFFD || (c.code >= 0x80 && c.code < 0xA0)) return 0.0;
    const bool hangul =
        (c.code >= 0xAC00 && c.code <= 0xD7A3) || (c.code >= 0x3131 && c.code <= 0x318E);
    const bool sign = (c.code >= 0x2010 && c.code <= 0x266F) ||
                      (c.code >= 0x3000 && c.code <= 0x303F) || c.code == 0xB7 ||
                      (c.code >= 0xFF01 && c.code <= 0xFF5E);
    if (hangul || sign || (c.code >= 0x4E00 && c.code <= 0x9FFF)) ++common;
  }
  return beyond == 0 ? 0.0 : static_cast<double>(common) / static_cast<double>(beyond);
}

bool has_control_bytes(std::string_view bytes) {
  const std::string_view sample = bytes.substr(0, kSample);
  const auto odd = std::count_if(sample.begin(), sample.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1B' &&
           c != '\v';
  });
  return odd > 0 && static_cast<size_t>(odd) * 200 > sample.size();
}

// A file cut in the middle of its last character, or with a stray byte here and there, is UTF-8
// still: at least 99 of 100 sequences beyond ASCII are valid.
bool is_nearly_utf8(std::string_view bytes) {
  size_t good = 0;
  size_t bad = 0;
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char c = read_utf8(bytes, i);
    i += c.length;
    if (!c.valid) ++bad;
    if (c.valid && c.length > 1) ++good;
  }
  return bad == 0 || bad * 100 <= good || (bad <= 3 && good >= 3);
}

}  // namespace

size_t mark_length(std::string_view text) { return text.starts_with(kMark) ? kMark.size() : 0; }

std::string utf16le_to_utf8(std::string_view bytes) {
  std::u16string units(bytes.size() / 2, u'\0');
  for (size_t i = 0; i < units.size(); ++i) {
    units[i] = static_cast<char16_t>(static_cast<unsigned char>(bytes[2 * i]) |
                                     static_cast<unsigned char>(bytes[2 * i + 1]) << 8);
  }
  std::string text;
  append_units(units.data(), units.size(), text);
  return text;
}

bool convert_to_utf8(std::string_view bytes, const std::string& label, std::string& text) {
  text.clear();
  const Converter converter = open_converter(label);
  if (converter == nullptr) return false;
  std::array<char16_t, 4096> units;
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  std::u16string kept;  // a high surrogate waits for its other half
  UErrorCode status = U_BUFFER_OVERFLOW_ERROR;
  while (status == U_BUFFER_OVERFLOW_ERROR) {
    status = U_ZERO_ERROR;
    char16_t* to = units.data();
    ucnv_toUnicode(converter.get(), &to, units.data() + units.size(), &from, end, nullptr, true,
                   &status);
    kept.append(units.data(), static_cast<size_t>(to - units.data()));
    const bool waits = status == U_BUFFER_OVERFLOW_ERROR && !kept.empty() &&
                       kept.back() >= 0xD800 && kept.back() < 0xDC00;
    const size_t ready = kept.size() - (waits ? 1 : 0);
    append_units(kept.data(), ready, text);
    kept.erase(0, ready);
  }
  return U_SUCCESS(status);
}

DecodedText decode_text(std::string_view bytes, const std::string& where) {
  if (std::optional<DecodedText> marked = decode_marked(bytes)) return *std::move(marked);
  if (const std::optional<std::string> utf16 = guess_utf16(bytes)) return converted(bytes, *utf16);
  if (!has_control_bytes(bytes)) {
    if (find_invalid_utf8(bytes) == std::string_view::npos) return as_utf8(bytes);
    std::string korean;
    if (korean_share(bytes, korean) >= 0.9)
      return {normalize_unicode(korean, NormalForm::kNfc), "windows-949"};
    if (is_nearly_utf8(bytes)) return as_utf8(bytes);
  }
  throw Error(ErrorCode::kUnsupported, where,
              "neither text in UTF-8, UTF-16 or CP949 nor a format with a reader",
              "convert it to one of: text, Markdown, HTML, PDF, DOCX, HWPX, HWP 5, CSV");
}

DecodedText decode_declared(std::string_view bytes, std::string_view label,
                            const std::string& where) {
  if (std::optional<DecodedText> marked = decode_marked(bytes)) return *std::move(marked);
  if (find_invalid_utf8(bytes) == std::string_view::npos && bytes.find('\x1B') == bytes.npos &&
      bytes.find('\0') == bytes.npos)
    return as_utf8(bytes);
  const std::string lower = lowercase(label);
  // What Korean pages and mails call EUC-KR is CP949.
  const bool korean = lower == "euc-kr" || lower == "ks_c_5601-1987" || lower == "cp949" ||
                      lower == "ks_c_5601" || lower == "ksc5601" || lower == "uhc";
  const bool believable = !lower.empty() && lower != "utf-8" && lower != "utf8" &&
                          lower != "us-ascii" && lower.size() < 64 && !lower.starts_with("utf-16");
  if (believable) {
    std::string text;
    const std::string name = korean ? "windows-949" : lower;
    if (convert_to_utf8(bytes, name, text))
      return {normalize_unicode(text, NormalForm::kNfc), name};
  }
  return decode_text(bytes, where);
}

}  // namespace onmal
