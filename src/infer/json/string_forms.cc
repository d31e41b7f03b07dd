#include "infer/json/string_forms.h"

#include <algorithm>
#include <array>
#include <utility>

namespace onmal::json {
namespace {

// Places within a JSON string. Behind a lead byte the name tells how many bytes are to come and
// which of them are narrowed (Unicode 15, table 3-7).
enum Place : int32_t {
  kOpen,
  kBetween,
  kEnd,
  kOneMore,
  kTwoMore,
  kThreeMore,
  kAfterE0,
  kAfterEd,
  kAfterF0,
  kAfterF4,
  kEscape,
  kHex4,  // \u
  kHex3,
  kHex2,
  kHex1,
  kHexAfterD,  // \ud: 0-7 a character, 8-b the first half of a pair
  kHigh2,
  kHigh1,
  kLowEscape,
  kLowU,
  kLowD,
  kLow3,
  kLow2,
  kLow1,
};

struct Move {
  Place from;
  uint8_t lo, hi;
  Place to;
};

constexpr std::array kMoves = std::to_array<Move>({
    {kOpen, '"', '"', kBetween},        {kBetween, '"', '"', kEnd},
    {kBetween, 0x20, 0x21, kBetween},   {kBetween, 0x23, 0x5B, kBetween},
    {kBetween, '\\', '\\', kEscape},    {kBetween, 0x5D, 0x7F, kBetween},
    {kBetween, 0xC2, 0xDF, kOneMore},   {kBetween, 0xE0, 0xE0, kAfterE0},
    {kBetween, 0xE1, 0xEC, kTwoMore},   {kBetween, 0xED, 0xED, kAfterEd},
    {kBetween, 0xEE, 0xEF, kTwoMore},   {kBetween, 0xF0, 0xF0, kAfterF0},
    {kBetween, 0xF1, 0xF3, kThreeMore}, {kBetween, 0xF4, 0xF4, kAfterF4},
    {kOneMore, 0x80, 0xBF, kBetween},   {kTwoMore, 0x80, 0xBF, kOneMore},
    {kThreeMore, 0x80, 0xBF, kTwoMore}, {kAfterE0, 0xA0, 0xBF, kOneMore},
    {kAfterEd, 0x80, 0x9F, kOneMore},   {kAfterF0, 0x90, 0xBF, kTwoMore},
    {kAfterF4, 0x80, 0x8F, kTwoMore},   {kEscape, '"', '"', kBetween},
    {kEscape, '\\', '\\', kBetween},    {kEscape, '/', '/', kBetween},
    {kEscape, 'b', 'b', kBetween},      {kEscape, 'f', 'f', kBetween},
    {kEscape, 'n', 'n', kBetween},      {kEscape, 'r', 'r', kBetween},
    {kEscape, 't', 't', kBetween},      {kEscape, 'u', 'u', kHex4},
    {kHex4, '0', '9', kHex3},           {kHex4, 'a', 'c', kHex3},
    {kHex4, 'A', 'C', kHex3},           {kHex4, 'e', 'f', kHex3},
    {kHex4, 'E', 'F', kHex3},           {kHex4, 'd', 'd', kHexAfterD},
    {kHex4, 'D', 'D', kHexAfterD},      {kHexAfterD, '0', '7', kHex2},
    {kHexAfterD, '8', '9', kHigh2},     {kHexAfterD, 'a', 'b', kHigh2},
    {kHexAfterD, 'A', 'B', kHigh2},     {kLowEscape, '\\', '\\', kLowU},
    {kLowU, 'u', 'u', kLowD},           {kLowD, 'd', 'd', kLow3},
    {kLowD, 'D', 'D', kLow3},           {kLow3, 'c', 'f', kLow2},
    {kLow3, 'C', 'F', kLow2},
});

constexpr std::array kAnyHex = std::to_array<std::pair<Place, Place>>({
    {kHex3, kHex2},
    {kHex2, kHex1},
    {kHex1, kBetween},
    {kHigh2, kHigh1},
    {kHigh1, kLowEscape},
    {kLow2, kLow1},
    {kLow1, kBetween},
});

constexpr bool is_hex(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
         (byte >= 'A' && byte <= 'F');
}

constexpr std::string_view kDate =
    "((([12]\\d(0[48]|[2468][048]|[13579][26])|(12|16|2[048])00)-02-29)|"
    "([12]\\d{3}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|"
    "02-(0[1-9]|1\\d|2[0-8]))))";
constexpr std::string_view kClock =
    "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";

struct Format {
  std::string_view name;
  std::string_view pattern;
};

constexpr std::array kFormats = std::to_array<Format>({
    {"email",
     "^[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\\.){1,4}"
     "[A-Za-z]{2,12}$"},
    {"hostname", "^([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\\.){0,4}[A-Za-z]{2,12}$"},
    {"ipv4",
     "^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)$"},
    {"ipv6", "^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$"},
    {"uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"},
    {"uri",
     "^https?://"
     "([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\\.){1,4}[A-Za-z]{2,12}(:[1-9]\\d{0,3})?"
     "(/[A-Za-z0-9._~-]*)*(\\?[A-Za-z0-9._~=&-]*)?(#[A-Za-z0-9._~-]*)?$"},
    {"duration",
     "^P(\\d{1,4}W|\\d{1,4}Y(\\d{1,2}M(\\d{1,3}D)?)?|\\d{1,2}M(\\d{1,3}D)?|\\d{1,3}D|"
     "(\\d{1,3}D)?T(\\d{1,3}H(\\d{1,3}M(\\d{1,3}S)?)?|\\d{1,3}M(\\d{1,3}S)?|\\d{1,3}S))$"},
});

}  // namespace

void append_escaped(uint32_t code, std::string& out) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  constexpr std::string_view kShort = "\b\f\n\r\t\"\\";
  constexpr std::string_view kLetters = "bfnrt\"\\";
  out += '\\';
  const size_t at = kShort.find(static_cast<char>(code));
  if (at != std::string_view::npos) {
    out += kLetters[at];
    return;
  }
  out += "u00";
  out += kHexDigits[code >> 4];
  out += kHexDigits[code & 15];
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == '"' || byte == '\\') {
      append_escaped(byte, out);
    } else {
      out += c;
    }
  }
  return out + '"';
}

Dfa make_free_text() {
  std::vector<std::array<uint8_t, 2>> ranges = {{'0', '9'}, {'a', 'f'}, {'A', 'F'}};
  for (const Move& move : kMoves) ranges.push_back({move.lo, move.hi});
  const auto step = [&](const Position& at, uint8_t byte, Position& reached) {
    for (const Move& move : kMoves) {
      if (move.from == at[0] && byte >= move.lo && byte <= move.hi) {
        reached.push_back(move.to);
        return true;
      }
    }
    for (const auto& [from, to] : kAnyHex) {
      if (from != at[0] || !is_hex(byte)) continue;
      reached.push_back(to);
      return true;
    }
    return false;
  };
  const auto mark = [](const Position& at) {
    return PositionMark{at[0] == kEnd ? 0 : -1, at[0] == kBetween};
  };
  return Dfa(ByteClasses(ranges), {{kOpen}, step, mark}, "strings");
}

std::string format_pattern(std::string_view format) {
  std::string pattern = "^";
  if (format == "date" || format == "date-time") pattern += kDate;
  if (format == "date-time") pattern += 'T';
  if (format == "time" || format == "date-time") pattern += kClock;
  if (pattern.size() > 1) return pattern += '$';
  const auto* const found = std::find_if(kFormats.begin(), kFormats.end(),
                                         [&](const Format& known) { return known.name == format; });
  return found == kFormats.end() ? std::string() : std::string(found->pattern);
}

}  // namespace onmal::json
