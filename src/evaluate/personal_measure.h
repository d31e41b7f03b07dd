#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "corpus/clean/personal_data.h"

namespace onmal {

// A text and the stretches of it that are somebody's data.
struct PersonalRow {
  struct Item {
    PersonalKind kind;
    std::string value;

    auto operator<=>(const Item&) const = default;
  };
  std::string text;
  std::vector<Item> items;
};

// JSON lines: {"text": …, "found": [{"kind": "phone", "value": …}]}. Throws Error(kBadFile) naming
// the line.
std::vector<PersonalRow> read_personal_rows(const std::filesystem::path& path);

// Sentences with made numbers of every kind in many ways of writing, and as many with numbers that
// look alike (versions, prices, dates, ISBN, wrong check digits). The same for the same seed.
std::vector<PersonalRow> make_personal_rows(size_t count, uint64_t seed);

struct PersonalCounts {
  size_t right = 0, wrong = 0, missed = 0;

  // 1 where there is nothing to count.
  double precision() const;
  double recall() const;
};

struct PersonalMeasure {
  std::array<PersonalCounts, kPersonalKinds> kinds;
  PersonalCounts all;
  std::vector<std::string> faults;  // "missed phone …: the text"
};

// A stretch is right where it is one of the row's with its kind, whole and no more.
PersonalMeasure measure_personal_data(std::span<const PersonalRow> rows,
                                      const PersonalOptions& options = {});

}  // namespace onmal
