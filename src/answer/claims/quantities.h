#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentences.h"

namespace onmal {

// A number with what it counts, in a base unit: "2조 3천억 원" and "2.3조 원" are both 2.3e12 "원".
struct Quantity {
  double value = 0;
  std::string unit;       // "" where nothing known follows; "m", "%", "second", "원", "people" …
  bool about = false;     // 약, about, nearly
  bool in_range = false;  // an end of "30~40명": compared with nothing
  TextSpan span{0, 0};    // bytes of the text
};

// A day, a month or a year; 0: not said.
struct CalendarDate {
  int year = 0;
  int month = 0;
  int day = 0;
  TextSpan span{0, 0};
};

struct TextNumbers {
  std::vector<Quantity> quantities;
  std::vector<CalendarDate> dates;
};

// Numbers and dates of a Korean or English text in NFC, with digits or in words before a counter
// (세 번, 열세 척, five items, 2.4 billion, 사흘), years (1443년, in 1889), days (3월 1일, March 1,
// 2024-03-01) and times of day (오후 2시 30분 is 870 "clock"). Numbers within identifiers, paths
// and versions are left out.
TextNumbers read_numbers(std::string_view text);

// Same: equal values of units that do not differ; about 5 % apart where one says "about".
// Different: another value of the same known unit, no more than fifty times as large. Foreign: not
// to be compared.
enum class NumberMatch : uint8_t { kSame, kDifferent, kForeign };
NumberMatch compare(const Quantity& a, const Quantity& b);
// Same: what both say agrees, and the second says all of the first.
NumberMatch compare(const CalendarDate& claim, const CalendarDate& evidence);

}  // namespace onmal
