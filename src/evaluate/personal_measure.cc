#include "evaluate/personal_measure.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

constexpr uint64_t kMostFileBytes = uint64_t{64} << 20;

PersonalKind kind_of(const std::string& name) {
  for (size_t i = 0; i < kPersonalKinds; ++i)
    if (personal_kind_name(static_cast<PersonalKind>(i)) == name)
      return static_cast<PersonalKind>(i);
  throw Error(ErrorCode::kBadFile, name, "is no kind of personal data",
              "the kinds are those of corpus/clean/personal_data.h");
}

double part(size_t some, size_t others) {
  return some + others == 0 ? 1 : static_cast<double>(some) / static_cast<double>(some + others);
}

}  // namespace

double PersonalCounts::precision() const { return part(right, wrong); }
double PersonalCounts::recall() const { return part(right, missed); }

std::vector<PersonalRow> read_personal_rows(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path, kMostFileBytes));
  std::vector<PersonalRow> rows;
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    try {
      const auto json = nlohmann::json::parse(line);
      PersonalRow row{json.at("text").get<std::string>(), {}};
      for (const auto& item : json.at("found"))
        row.items.push_back(
            {kind_of(item.at("kind").get<std::string>()), item.at("value").get<std::string>()});
      rows.push_back(std::move(row));
    } catch (const std::exception& error) {
      throw Error(ErrorCode::kBadFile, path.string() + ":" + std::to_string(number), error.what(),
                  "a line is {\"text\": …, \"found\": [{\"kind\": …, \"value\": …}]}");
    }
  }
  return rows;
}

PersonalMeasure measure_personal_data(std::span<const PersonalRow> rows,
                                      const PersonalOptions& options) {
  PersonalMeasure measure;
  const auto tell = [&](const char* what, const PersonalRow::Item& item, const PersonalRow& row) {
    measure.faults.push_back(std::string(what) + " " + std::string(personal_kind_name(item.kind)) +
                             " " + item.value + ": " + row.text);
  };
  for (const PersonalRow& row : rows) {
    std::multiset<PersonalRow::Item> left(row.items.begin(), row.items.end());
    for (const PersonalSpan& span : find_personal_data(row.text, options)) {
      const PersonalRow::Item item{span.kind, row.text.substr(span.begin, span.end - span.begin)};
      PersonalCounts& counts = measure.kinds[static_cast<size_t>(span.kind)];
      const auto found = left.find(item);
      if (found == left.end()) {
        ++counts.wrong;
        tell("wrong", item, row);
        continue;
      }
      left.erase(found);
      ++counts.right;
    }
    for (const PersonalRow::Item& item : left) {
      ++measure.kinds[static_cast<size_t>(item.kind)].missed;
      tell("missed", item, row);
    }
  }
  for (const PersonalCounts& counts : measure.kinds) {
    measure.all.right += counts.right;
    measure.all.wrong += counts.wrong;
    measure.all.missed += counts.missed;
  }
  return measure;
}

}  // namespace onmal
