#include "safety/moderator.h"

#include <algorithm>

#include "safety/composed_text.h"
#include "safety/embedded.h"
#include "safety/linear_classifier.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kWindowBytes = 2048;
constexpr size_t kOverlapBytes = 256;

// The last border of a character at or before `at`.
size_t character_border(std::string_view text, size_t at) {
  for (size_t i = 0;
       i < 3 && at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
       ++i)
    --at;
  return at;
}

// Where a window ends: behind a space, if one is near.
size_t window_end(std::string_view text, size_t begin) {
  if (text.size() - begin <= kWindowBytes) return text.size();
  const size_t most = begin + kWindowBytes;
  const size_t space = text.substr(0, most).find_last_of(" \n");
  if (space != std::string_view::npos && space > most - kOverlapBytes / 2) return space + 1;
  return character_border(text, most);
}

}  // namespace

std::string cover_spans(std::string_view text, const std::vector<ModerationSpan>& spans) {
  // How many spans begin less how many end at each byte.
  std::vector<int> change(text.size() + 1);
  for (const ModerationSpan& span : spans) {
    ++change[std::min(span.begin, text.size())];
    --change[std::min(span.end, text.size())];
  }
  std::string out;
  int covering = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    covering += change[at];
    if (covering > 0 && text[at] != ' ' && text[at] != '\n') {
      out += "○";
    } else {
      out += text.substr(at, c.length);
    }
    for (size_t i = 1; i < c.length; ++i) covering += change[at + i];
    at += c.length;
  }
  return out;
}

Moderator::Moderator(Lexicon lexicon, Policy policy)
    : lexicon_(std::move(lexicon)), policy_(policy) {}

Moderator Moderator::standard() {
  Moderator moderator(Lexicon::standard(), Policy::standard());
  if (!embedded_linear_model().empty())
    moderator.add_source(std::make_unique<LinearClassifier>(
        LinearClassifier::parse(embedded_linear_model(), "the built-in moderation model")));
  return moderator;
}

void Moderator::add_window(std::string_view text, size_t offset, size_t seen_before,
                           ModerationResult& result) const {
  const TextViews views = make_views(text);
  for (const LexiconHit& hit : lexicon_.search(text, views)) {
    const ModerationSpan span{offset + hit.begin, offset + hit.end, hit.category, hit.score,
                              hit.view};
    // Two windows may have found it, one behind the other.
    const auto recent = result.spans.begin() + static_cast<std::ptrdiff_t>(seen_before);
    if (std::find(recent, result.spans.end(), span) == result.spans.end())
      result.spans.push_back(span);
    float& score = result.scores[category_index(hit.category)];
    score = std::max(score, hit.score);
  }
  if (sources_.empty()) return;
  // Innocent words that look bad say nothing to a classifier either; and the disguised text as
  // well, where folding changes it.
  std::string bare(text);
  for (const SourceRange& range : lexicon_.innocent_ranges(views))
    std::fill(bare.begin() + range.begin, bare.begin() + range.end, ' ');
  std::vector<std::string> texts{bare};
  if (bare == text) {
    const MappedText& plain = views[static_cast<size_t>(View::kPlain)];
    const MappedText& joined = views[static_cast<size_t>(View::kJoined)];
    if (!joined.empty() && joined.codes() != plain.codes()) texts.push_back(joined.utf8());
  }
  for (const auto& source : sources_) {
    for (const CategoryScores& scores : source->score(texts))
      for (size_t i = 0; i < kCategoryCount; ++i)
        result.scores[i] = std::max(result.scores[i], scores[i]);
  }
}

ModerationResult Moderator::scores(std::string_view text) const {
  const ComposedText composed(text);
  ModerationResult result = scores_composed(composed.view());
  for (ModerationSpan& span : result.spans) {
    span.begin = composed.source(span.begin);
    span.end = composed.source(span.end);
  }
  return result;
}

ModerationResult Moderator::scores_composed(std::string_view text) const {
  ModerationResult result;
  size_t seen_before = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = window_end(text, begin);
    const size_t seen = result.spans.size();
    add_window(text.substr(begin, end - begin), begin, seen_before, result);
    seen_before = seen;
    if (end == text.size()) break;
    const size_t space = text.find_first_of(" \n", end - kOverlapBytes);
    begin = space < end ? space + 1 : character_border(text, end - kOverlapBytes);
  }
  lift_parents(result.scores);
  return result;
}

void Moderator::decide(ModerationResult& result, Place place) const {
  result.action = Action::kAllow;
  for (size_t i = 0; i < kCategoryCount; ++i) {
    const Category category = category_at(i);
    Action& action = result.actions[i];
    action = policy_.action(place, category, result.scores[i]);
    // Nothing can be covered where nothing in the text is to blame.
    const auto causes = [&](const ModerationSpan& span) {
      return span.category == category || parent_category(span.category) == category;
    };
    if (action == Action::kRewrite &&
        std::none_of(result.spans.begin(), result.spans.end(), causes))
      action = Action::kBlock;
    result.action = std::max(result.action, action);
  }
  result.flagged = result.action != Action::kAllow;
}

ModerationResult Moderator::check(std::string_view text, Place place) const {
  ModerationResult result = scores(text);
  decide(result, place);
  return result;
}

}  // namespace onmal
