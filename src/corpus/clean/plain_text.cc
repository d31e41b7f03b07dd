#include "corpus/clean/plain_text.h"

#include <algorithm>

#include "text/fold/conjoining_jamo.h"
#include "text/utf8.h"
#include "text/utf8_runs.h"

namespace onmal {
namespace {

struct PlainChar {
  uint32_t code = 0;    // 0: nothing is left of it
  uint32_t length = 0;  // bytes of the original; 0: the character stays as it is
};

PlainChar change_at(std::string_view text, size_t at) {
  const uint32_t code = code_at(text, at);
  if (code >= 0xFF01 && code <= 0xFF5E) return {code - 0xFEE0, 3};
  if (is_conjoining_initial(code)) {
    const ComposedSyllable made = compose_conjoining(text, at);
    return {made.code, static_cast<uint32_t>(made.length)};
  }
  if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212) return {'-', 3};
  if (code == 0x3000 || (code >= 0x2000 && code <= 0x200A) || code == 0x202F) return {' ', 3};
  if (code == 0xA0) return {' ', 2};
  if (code == 0xAD) return {0, 2};
  if ((code >= 0x200B && code <= 0x200D) || code == 0x2060 || code == 0xFEFF) return {0, 3};
  return {};
}

// Lead bytes of characters that change_at may change.
bool may_change(std::string_view text, size_t at) {
  const auto byte = static_cast<uint8_t>(text[at]);
  if (byte < 0xC2 || at + 1 >= text.size()) return false;
  const auto next = static_cast<uint8_t>(text[at + 1]);
  switch (byte) {
    case 0xC2:
      return next == 0xA0 || next == 0xAD;
    case 0xE1:
      return next == 0x84;
    case 0xE2:
      return next == 0x80 || next == 0x81 || next == 0x88;
    case 0xE3:
      return next == 0x80;
    case 0xEF:
      return next >= 0xBB && next <= 0xBD;
    default:
      return false;
  }
}

}  // namespace

PlainText::PlainText(std::string_view text) : original_(text), view_(text) {
  size_t copied = 0;  // of the original
  for (size_t i = 0; i < text.size();) {
    i = skip_ascii_and_hangul(text, i);
    if (i == text.size()) break;
    const PlainChar change = may_change(text, i) ? change_at(text, i) : PlainChar{};
    if (change.length == 0) {
      ++i;
      continue;
    }
    if (copied < i) {
      runs_.push_back({changed_.size(), copied, i, false});
      changed_.append(text.substr(copied, i - copied));
    }
    if (change.code != 0) {
      runs_.push_back({changed_.size(), i, i + change.length, true});
      append_utf8(change.code, changed_);
    }
    i += change.length;
    copied = i;
  }
  if (runs_.empty() && copied == 0) return;
  if (copied < text.size()) {
    runs_.push_back({changed_.size(), copied, text.size(), false});
    changed_.append(text.substr(copied));
  }
  view_ = changed_;
}

const PlainText::Run& PlainText::run_of(size_t plain) const {
  const auto behind = std::upper_bound(runs_.begin(), runs_.end(), plain,
                                       [](size_t at, const Run& run) { return at < run.plain; });
  return *(behind - 1);
}

size_t PlainText::source_begin(size_t begin) const {
  if (runs_.empty()) return begin;
  const Run& run = run_of(begin);
  return run.whole ? run.source : run.source + (begin - run.plain);
}

size_t PlainText::source_end(size_t end) const {
  if (runs_.empty()) return end;
  const Run& run = run_of(end - 1);
  return run.whole ? run.source_end : run.source + (end - run.plain);
}

}  // namespace onmal
