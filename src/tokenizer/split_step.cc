#include "tokenizer/split_step.h"

#include <utility>

#include "text/unicode.h"
#include "text/utf8.h"
#include "tokenizer/byte_level.h"

namespace onmal {
namespace {

struct Segment {
  size_t begin, end;
  bool is_match;
};

// Matches and what lies between them, in order.
std::vector<Segment> segments_of(const Matcher& matcher, std::string_view text, bool valid,
                                 bool invert) {
  std::vector<Segment> segments;
  size_t done = 0;
  matcher.find(text, valid, [&](size_t begin, size_t end) {
    if (begin > done) segments.push_back({done, begin, invert});
    segments.push_back({begin, end, !invert});
    done = end;
  });
  if (done < text.size()) segments.push_back({done, text.size(), invert});
  return segments;
}

// Joins neighbours in place as the behaviour says.
void join_segments(std::vector<Segment>& segments, SplitBehavior behavior) {
  std::vector<Segment> joined;
  joined.reserve(segments.size());
  const bool from_right = behavior == SplitBehavior::kMergedWithNext;
  bool previous = false;
  bool first = true;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[from_right ? segments.size() - 1 - i : i];
    bool join = false;
    switch (behavior) {
      case SplitBehavior::kRemoved:
        if (segment.is_match) continue;
        break;
      case SplitBehavior::kIsolated:
        break;
      case SplitBehavior::kContiguous:
        join = !first && segment.is_match == previous;
        break;
      case SplitBehavior::kMergedWithPrevious:
      case SplitBehavior::kMergedWithNext:
        join = segment.is_match && !previous && !joined.empty();
        break;
    }
    if (!join) {
      joined.push_back(segment);
    } else if (from_right) {
      joined.back().begin = segment.begin;
    } else {
      joined.back().end = segment.end;
    }
    previous = segment.is_match;
    first = false;
  }
  if (from_right) joined = {joined.rbegin(), joined.rend()};
  segments = std::move(joined);
}

class MatcherStep : public SplitStep {
 public:
  MatcherStep(std::unique_ptr<Matcher> matcher, SplitBehavior behavior, bool invert)
      : matcher_(std::move(matcher)), behavior_(behavior), invert_(invert) {}

  void apply(Stretches& text) const override {
    std::vector<std::string_view> cut;
    cut.reserve(text.list.size());
    for (const std::string_view stretch : text.list) {
      std::vector<Segment> segments = segments_of(*matcher_, stretch, text.valid_utf8, invert_);
      join_segments(segments, behavior_);
      for (const Segment& segment : segments) {
        if (segment.end > segment.begin)
          cut.push_back(stretch.substr(segment.begin, segment.end - segment.begin));
      }
    }
    text.list = std::move(cut);
  }

 private:
  std::unique_ptr<Matcher> matcher_;
  SplitBehavior behavior_;
  bool invert_;
};

// A step that works on one stretch at a time: cut(stretch, out).
template <typename Cut>
class StretchStep : public SplitStep {
 public:
  explicit StretchStep(Cut cut) : cut_(std::move(cut)) {}

  void apply(Stretches& text) const override {
    std::vector<std::string_view> out;
    out.reserve(text.list.size());
    for (const std::string_view stretch : text.list) cut_(stretch, out);
    text.list = std::move(out);
  }

 private:
  Cut cut_;
};

template <typename Cut>
std::shared_ptr<const SplitStep> stretch_step(Cut cut) {
  return std::make_shared<StretchStep<Cut>>(std::move(cut));
}

// A step that rewrites stretches: change(stretch, is_first) gives the new text.
template <typename Change>
class RewriteStep : public SplitStep {
 public:
  explicit RewriteStep(Change change) : change_(std::move(change)) {}

  void apply(Stretches& text) const override {
    for (size_t i = 0; i < text.list.size(); ++i) {
      text.copies.push_back(change_(text.list[i], i == 0 && text.at_text_begin));
      text.list[i] = text.copies.back();
    }
  }

 private:
  Change change_;
};

template <typename Change>
std::shared_ptr<const SplitStep> rewrite_step(Change change) {
  return std::make_shared<RewriteStep<Change>>(std::move(change));
}

void cut_digit_groups(std::string_view text, std::vector<std::string_view>& out) {
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    std::vector<size_t> ends;  // of the digits of this run
    while (at < text.size()) {
      const Utf8Char c = read_utf8(text, at);
      const bool digit = c.valid && is_number(c.code);
      if (!digit && !ends.empty()) break;
      at += c.length;
      if (digit) ends.push_back(at);
    }
    if (ends.empty()) break;
    const size_t first = ends.size() % 3 == 0 ? 3 : ends.size() % 3;
    for (size_t i = first; i <= ends.size(); i += 3) {
      out.push_back(text.substr(done, ends[i - 1] - done));
      done = ends[i - 1];
    }
  }
  if (done < text.size()) out.push_back(text.substr(done));
}

// Hiragana and Katakana count as Han, the long vowel mark too; spaces go with any script.
int joined_script(uint32_t code) {
  constexpr int kAny = -1;
  static const int kHan = script_of(0x4E00);
  if (code == 0x30FC) return kHan;
  if (code == ' ') return kAny;
  const int script = script_of(code);
  if (script == script_of(0x3042) || script == script_of(0x30A2)) return kHan;
  return script;
}

void cut_scripts(std::string_view text, std::vector<std::string_view>& out) {
  constexpr int kAny = -1;
  int last = kAny;
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    const int script = joined_script(c.valid ? c.code : 0xFFFD);
    if (at > done && script != kAny && last != kAny && script != last) {
      out.push_back(text.substr(done, at - done));
      done = at;
    }
    if (script != kAny) last = script;
    at += c.length;
  }
  if (done < text.size()) out.push_back(text.substr(done));
}

std::string with_metaspaces(std::string_view text, const std::string& replacement, bool prepend) {
  std::string result;
  result.reserve(text.size() + text.size() / 3 + replacement.size());
  for (const char c : text) {
    if (c == ' ') {
      result += replacement;
    } else {
      result += c;
    }
  }
  if (prepend && !result.starts_with(replacement)) result.insert(0, replacement);
  return result;
}

}  // namespace

std::shared_ptr<const SplitStep> split_by(std::unique_ptr<Matcher> matcher, SplitBehavior behavior,
                                          bool invert) {
  return std::make_shared<MatcherStep>(std::move(matcher), behavior, invert);
}

std::shared_ptr<const SplitStep> split_by_scanner(std::string_view name) {
  return stretch_step(
      [scanner = Scanner(name)](std::string_view stretch, std::vector<std::string_view>& out) {
        scanner.split(stretch, [&](size_t begin, size_t end) {
          out.push_back(stretch.substr(begin, end - begin));
        });
      });
}

std::shared_ptr<const SplitStep> split_digit_groups() { return stretch_step(cut_digit_groups); }
std::shared_ptr<const SplitStep> split_by_script() { return stretch_step(cut_scripts); }

std::shared_ptr<const SplitStep> split_by_length(size_t length) {
  return stretch_step([length](std::string_view stretch, std::vector<std::string_view>& out) {
    size_t done = 0;
    size_t count = 0;
    for (size_t at = 0; at < stretch.size();) {
      at += read_utf8(stretch, at).length;
      if (++count % length != 0) continue;
      out.push_back(stretch.substr(done, at - done));
      done = at;
    }
    if (done < stretch.size()) out.push_back(stretch.substr(done));
  });
}

std::shared_ptr<const SplitStep> prepend_space() {
  return rewrite_step([](std::string_view stretch, bool) {
    std::string spaced;
    spaced.reserve(stretch.size() + 1);
    if (!stretch.starts_with(' ')) spaced.push_back(' ');
    spaced.append(stretch);
    return spaced;
  });
}

std::shared_ptr<const SplitStep> write_byte_level() {
  class Step : public SplitStep {
   public:
    void apply(Stretches& text) const override {
      for (std::string_view& stretch : text.list)
        stretch = text.copies.emplace_back(alphabet_.write(stretch));
      text.valid_utf8 = true;
    }

   private:
    ByteLevelAlphabet alphabet_;
  };
  return std::make_shared<Step>();
}

std::shared_ptr<const SplitStep> metaspace(std::string replacement, PrependScheme scheme,
                                           bool split) {
  class Step : public SplitStep {
   public:
    Step(std::string replacement, PrependScheme scheme, bool split)
        : replacement_(std::move(replacement)),
          scheme_(scheme),
          split_(split ? split_by(match_text(replacement_), SplitBehavior::kMergedWithNext)
                       : nullptr) {}

    void apply(Stretches& text) const override {
      for (size_t i = 0; i < text.list.size(); ++i) {
        const bool prepend = scheme_ == PrependScheme::kAlways ||
                             (scheme_ == PrependScheme::kFirst && i == 0 && text.at_text_begin);
        text.list[i] =
            text.copies.emplace_back(with_metaspaces(text.list[i], replacement_, prepend));
      }
      if (split_ != nullptr) split_->apply(text);
    }

   private:
    std::string replacement_;
    PrependScheme scheme_;
    std::shared_ptr<const SplitStep> split_;
  };
  return std::make_shared<Step>(std::move(replacement), scheme, split);
}

}  // namespace onmal
