#include "tokenizer/pretokenizer.h"

#include "base/error.h"
#include "text/utf8.h"
#include "tokenizer/named_patterns.h"

namespace onmal {
namespace {

SplitSteps steps_of(const NamedPatterns& named) {
  SplitSteps steps;
  for (const std::string_view step : named.steps) {
    if (step.empty()) continue;
    if (step == kDigitGroups) {
      steps.push_back(split_digit_groups());
    } else if (step.starts_with(kScannerMark)) {
      steps.push_back(split_by_scanner(step.substr(kScannerMark.size())));
    } else {
      steps.push_back(split_by(match_pattern(Pattern(step, std::string(named.names[0]))),
                               SplitBehavior::kIsolated));
    }
  }
  return steps;
}

bool is_scanner(std::string_view name) {
  for (const std::string& scanner : Scanner::names()) {
    if (scanner == name) return true;
  }
  return false;
}

}  // namespace

Pretokenizer::Pretokenizer(std::string_view name) {
  const NamedPatterns* named = find_named_patterns(name);
  if (named == nullptr) {
    std::string known;
    for (const std::string& candidate : names()) known += (known.empty() ? "" : ", ") + candidate;
    throw Error(ErrorCode::kUnsupported, "tokenizer",
                "unknown pre-tokenizer '" + std::string(name) + "'", "known ones: " + known);
  }
  name_ = name;
  if (named->steps[1].empty() && named->steps[0].starts_with(kScannerMark)) {
    scanner_ = std::make_shared<Scanner>(named->steps[0].substr(kScannerMark.size()));
  } else {
    steps_ = steps_of(*named);
  }
}

void Pretokenizer::cut(std::string_view text, bool at_text_begin,
                       FunctionRef<void(std::string_view)> piece) const {
  if (text.empty()) return;
  if (scanner_ != nullptr) {
    return scanner_->split(
        text, [&](size_t begin, size_t end) { piece(text.substr(begin, end - begin)); });
  }
  Stretches stretches;
  stretches.list.push_back(text);
  stretches.at_text_begin = at_text_begin;
  stretches.valid_utf8 = find_invalid_utf8(text) == std::string_view::npos;
  for (const auto& step : steps_) step->apply(stretches);
  for (const std::string_view stretch : stretches.list) piece(stretch);
}

void Pretokenizer::split(std::string_view text, FunctionRef<void(size_t, size_t)> piece) const {
  if (scanner_ != nullptr) return scanner_->split(text, piece);
  cut(text, true, [&](std::string_view stretch) {
    const auto begin = static_cast<size_t>(stretch.data() - text.data());
    piece(begin, begin + stretch.size());
  });
}

std::vector<std::string> Pretokenizer::patterns() const {
  const NamedPatterns* named = find_named_patterns(name_);
  if (named == nullptr) return {};
  std::vector<std::string> patterns;
  for (const std::string_view step : named->steps) {
    if (step.empty()) break;
    if (step == kDigitGroups) return {};
    if (step.starts_with(kScannerMark)) {
      for (std::string& pattern : Scanner(step.substr(kScannerMark.size())).patterns())
        patterns.push_back(std::move(pattern));
    } else {
      patterns.push_back(hugging_face_pattern(step));
    }
  }
  return patterns;
}

std::string Pretokenizer::name_of_patterns(const std::vector<std::string>& patterns) {
  if (std::string name = Scanner::name_of_patterns(patterns); !name.empty()) return name;
  for (const std::string& name : names()) {
    if (!is_scanner(name) && Pretokenizer(name).patterns() == patterns) return name;
  }
  return "";
}

std::vector<std::string> Pretokenizer::names() {
  std::vector<std::string> names;
  for (const NamedPatterns& named : named_patterns()) names.emplace_back(named.names[0]);
  return names;
}

}  // namespace onmal
