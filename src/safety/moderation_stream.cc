#include "safety/moderation_stream.h"

#include <algorithm>

#include "text/utf8.h"

namespace onmal {
namespace {

size_t border_at_or_before(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace

std::string ModerationStream::feed(std::string_view bytes) {
  if (stopped_) return {};
  waiting_ += bytes;
  unchecked_ += count_characters(bytes);
  return unchecked_ >= options_.check_every ? check(false) : std::string();
}

std::string ModerationStream::finish() { return stopped_ ? std::string() : check(true); }

std::string ModerationStream::check(bool last) {
  unchecked_ = 0;
  // Bytes of a character that is not whole yet wait.
  const size_t whole = last ? waiting_.size() : waiting_.size() - incomplete_tail(waiting_);
  const std::string text = shown_ + waiting_.substr(0, whole);
  ModerationResult result = moderator_.check(text, place_);
  if (result.action > result_.action || result_.scores == CategoryScores{}) result_ = result;
  if (result.action == Action::kBlock) {
    stopped_ = true;
    waiting_.clear();
    return {};
  }
  size_t release = last ? text.size() : text.size() - std::min(text.size(), options_.hold_bytes);
  release = std::max(border_at_or_before(text, release), shown_.size());
  std::vector<ModerationSpan> covered;
  for (const ModerationSpan& span : result.spans) {
    const auto parent = parent_category(span.category);
    const bool rewrite = result.actions[category_index(span.category)] == Action::kRewrite ||
                         (parent && result.actions[category_index(*parent)] == Action::kRewrite);
    if (rewrite && options_.cover) covered.push_back(span);
    // A span is given out whole or not yet.
    if (!last && span.begin < release && span.end > release && span.begin >= shown_.size())
      release = span.begin;
  }
  std::string out;
  if (covered.empty()) {
    out = text.substr(shown_.size(), release - shown_.size());
  } else {
    for (ModerationSpan& span : covered) {
      span.begin = std::max(span.begin, shown_.size()) - shown_.size();
      span.end = std::max(span.end, shown_.size()) - shown_.size();
    }
    out =
        cover_spans(std::string_view(text).substr(shown_.size(), release - shown_.size()), covered);
  }
  waiting_ = text.substr(release) + waiting_.substr(whole);
  const size_t keep = release - std::min(release, options_.context_bytes);
  shown_ = text.substr(border_at_or_before(text, keep), release - border_at_or_before(text, keep));
  return out;
}

}  // namespace onmal
