#include "train/labelled_data.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/error.h"
#include "corpus/held_out.h"
#include "corpus/source.h"

namespace onmal {
namespace {

struct RawExample {
  std::string text, label;
  int64_t row;
  const std::filesystem::path* path;
  std::string second = {};
};

[[noreturn]] void refuse(const RawExample& raw, const std::string& what,
                         const std::string& hint = "") {
  throw Error(ErrorCode::kBadFile, raw.path->string() + ", row " + std::to_string(raw.row), what,
              hint);
}

void read_table(const std::filesystem::path& path, const DataRecipe& data,
                std::string_view separator, FunctionRef<void(RawExample&&)> body) {
  Source source;
  source.path = path;
  source.format = format_of_name(path, true);
  std::vector<std::string> fields = {data.text_column, data.label_column};
  const bool below = !data.second_column.empty();
  if (below) fields.push_back(data.second_column);
  if (!data.pair_column.empty()) fields.push_back(data.pair_column);
  read_rows(source, fields, separator, [&](const RecordRow& record) {
    RawExample raw{"", "", record.row, &path};
    if (!record.values[0]) refuse(raw, "has no '" + data.text_column + "'");
    if (!record.values[1]) refuse(raw, "has no '" + data.label_column + "'");
    raw.text = *record.values[0];
    raw.label = *record.values[1];
    if (below) raw.text.append("\n").append(record.values[2].value_or(""));
    if (!data.pair_column.empty()) {
      if (!record.values.back()) refuse(raw, "has no '" + data.pair_column + "'");
      raw.second = *record.values.back();
    }
    body(std::move(raw));
  });
}

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    std::string part = text.substr(begin, end - begin);
    while (!part.empty() && part.front() == ' ') part.erase(0, 1);
    while (!part.empty() && part.back() == ' ') part.pop_back();
    if (!part.empty()) parts.push_back(std::move(part));
    if (end == text.size()) return parts;
    begin = end + separator.size();
  }
}

std::vector<std::string> labels_of(const RawExample& raw, const DataRecipe& data,
                                   ClassifyTask task) {
  if (task == ClassifyTask::kMultiLabel) return split(raw.label, data.label_separator);
  if (task == ClassifyTask::kTokens) {
    std::vector<std::string> labels = split(raw.label, " ");
    const size_t words = split_words(raw.text).size();
    if (labels.size() != words) {
      refuse(raw, std::to_string(words) + " words and " + std::to_string(labels.size()) + " labels",
             "tokens are labelled word by word: as many labels as words, both parted by spaces");
    }
    return labels;
  }
  if (raw.label.empty()) refuse(raw, "has no label");
  return {raw.label};
}

float number_of(const RawExample& raw) {
  float value = 0;
  const char* end = raw.label.data() + raw.label.size();
  const auto result = std::from_chars(raw.label.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end)
    refuse(raw, "'" + raw.label + "' is no number", "a regression learns numbers");
  return value;
}

std::optional<int64_t> whole_number(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

void sort_labels(std::vector<std::string>& labels) {
  const bool numbers = std::all_of(labels.begin(), labels.end(), [](const auto& label) {
    return whole_number(label).has_value();
  });
  std::sort(labels.begin(), labels.end(), [&](const auto& a, const auto& b) {
    return numbers ? *whole_number(a) < *whole_number(b) : a < b;
  });
}

using LabelNumbers = std::map<std::string, int32_t>;

LabelNumbers number_labels(const std::vector<RawExample>& train, const DataRecipe& data,
                           ClassifyTask task, std::vector<std::string>& labels) {
  LabelNumbers numbers;
  for (const RawExample& raw : train) {
    for (std::string& label : labels_of(raw, data, task)) {
      if (numbers.emplace(label, 0).second) labels.push_back(std::move(label));
    }
  }
  sort_labels(labels);
  for (size_t i = 0; i < labels.size(); ++i) numbers[labels[i]] = static_cast<int32_t>(i);
  return numbers;
}

Example finish(const RawExample& raw, const DataRecipe& data, ClassifyTask task,
               const LabelNumbers& numbers) {
  Example example;
  example.text = raw.text;
  example.second = raw.second;
  if (task == ClassifyTask::kRegression) {
    example.values = {number_of(raw)};
    return example;
  }
  for (const std::string& label : labels_of(raw, data, task)) {
    const auto found = numbers.find(label);
    if (found == numbers.end()) {
      refuse(raw, "the label '" + label + "' is never seen in training",
             "check the label column and the split");
    }
    example.labels.push_back(found->second);
  }
  return example;
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpaces = " \t\r\n";
  for (size_t begin = text.find_first_not_of(kSpaces); begin != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kSpaces, end);
  }
  return words;
}

std::vector<NgramExample> read_label_targets(const std::filesystem::path& path,
                                             const DataRecipe& data, ClassifyTask task,
                                             const std::vector<std::string>& labels) {
  std::vector<NgramExample> examples;
  read_table(path, data, data.label_separator, [&](RawExample&& raw) {
    std::vector<std::string> said = labels_of(raw, data, task);
    const bool denials = !said.empty() && std::all_of(said.begin(), said.end(), [](const auto& s) {
      return s.size() > 1 && s[0] == '!';
    });
    NgramExample example{"", std::vector<int8_t>(labels.size(), denials ? int8_t{-1} : int8_t{0})};
    for (const std::string& name : said) {
      const auto found = std::find(labels.begin(), labels.end(), denials ? name.substr(1) : name);
      if (found == labels.end())
        refuse(raw, "the label '" + name + "' is none of the model's", "check the label column");
      example.targets[static_cast<size_t>(found - labels.begin())] = denials ? 0 : 1;
    }
    example.text = std::move(raw.text);
    examples.push_back(std::move(example));
  });
  return examples;
}

LabelledData read_labelled_data(const DataRecipe& data, ClassifyTask task) {
  const std::string separator = task == ClassifyTask::kTokens ? " " : data.label_separator;
  std::vector<RawExample> train;
  std::vector<RawExample> heldout;
  const bool own_split = data.heldout_table.empty();
  read_table(data.table, data, separator, [&](RawExample&& raw) {
    const bool held = own_split && is_held_out(raw.text, data.heldout_permille);
    (held ? heldout : train).push_back(std::move(raw));
  });
  if (!own_split) {
    read_table(data.heldout_table, data, separator,
               [&](RawExample&& raw) { heldout.push_back(std::move(raw)); });
  }
  const auto require = [&](bool filled, const std::filesystem::path& path, const char* what) {
    if (filled) return;
    throw Error(ErrorCode::kInvalidArgument, path.string(), std::string(what) + " is empty",
                "check the file, or data.heldout_permille");
  };
  require(!train.empty(), data.table, "the training split");
  require(!heldout.empty() || (own_split && data.heldout_permille == 0),
          own_split ? data.table : data.heldout_table, "the held-out split");
  LabelledData result;
  LabelNumbers numbers;
  if (task == ClassifyTask::kRegression) {
    result.labels = {data.label_column};
  } else {
    numbers = number_labels(train, data, task, result.labels);
  }
  for (const RawExample& raw : train) result.train.push_back(finish(raw, data, task, numbers));
  for (const RawExample& raw : heldout) result.heldout.push_back(finish(raw, data, task, numbers));
  return result;
}

}  // namespace onmal
