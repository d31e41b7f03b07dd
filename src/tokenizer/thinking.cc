#include "tokenizer/thinking.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace onmal {
namespace {

constexpr std::string_view kOpening = "<think>";
constexpr std::string_view kClosing = "</think>";
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view without_space_before(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

std::string_view without_newlines(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  const size_t last = text.find_last_not_of('\n');
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

bool opens_thinking(std::string_view prompt) {
  const size_t last = prompt.find_last_not_of(kBlanks);
  return last != std::string_view::npos && prompt.substr(0, last + 1).ends_with(kOpening);
}

std::optional<ThinkingSplit> split_thinking(std::string_view text, bool opened) {
  std::string_view rest = without_space_before(text);
  if (rest.starts_with(kOpening)) {
    rest.remove_prefix(kOpening.size());
  } else if (!opened) {
    return std::nullopt;
  }
  const size_t closing = rest.find(kClosing);
  if (closing == std::string_view::npos) return ThinkingSplit{without_newlines(rest), {}};
  std::string_view answer = rest.substr(closing + kClosing.size());
  answer.remove_prefix(std::min(answer.find_first_not_of('\n'), answer.size()));
  return ThinkingSplit{without_newlines(rest.substr(0, closing)), answer};
}

ChatMessage thinking_message(const ThinkingSplit& split) {
  const nlohmann::json more = {{"reasoning_content", split.thinking}};
  return {"assistant", std::string(split.answer),
          more.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

std::string_view ThinkingFilter::add(std::string_view part) {
  if (answering_) {
    text_ = part;
    return text_;
  }
  text_ += part;
  const std::string_view begin = without_space_before(text_);
  if (!opened_) {
    if (kOpening.starts_with(begin)) return {};  // perhaps the beginning of a block
    if (!begin.starts_with(kOpening)) {
      answering_ = true;
      return text_;
    }
    opened_ = true;
  }
  const size_t closing = text_.find(kClosing, closing_from_);
  if (closing == std::string::npos) {
    closing_from_ = text_.size() - std::min(text_.size(), kClosing.size() - 1);
    return {};
  }
  closing_from_ = closing;
  const size_t answer = text_.find_first_not_of('\n', closing + kClosing.size());
  if (answer == std::string::npos) return {};
  answering_ = true;
  return std::string_view(text_).substr(answer);
}

std::string_view ThinkingFilter::finish() {
  const bool held_back = !answering_ && !opened_;
  answering_ = true;
  return held_back ? std::string_view(text_) : std::string_view();
}

}  // namespace onmal
