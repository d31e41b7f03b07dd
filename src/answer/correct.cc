#include "answer/correct.h"

#include <algorithm>
#include <cmath>

#include "answer/pieces.h"
#include "base/error.h"
#include "text/hangul_keyboard.h"
#include "text/utf8.h"

namespace onmal {
namespace {

bool is_latin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The Latin words of a text, one behind the other.
std::string latin_words(std::string_view text) {
  std::string words;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_latin(text[i])) continue;
    if (i > 0 && !is_latin(text[i - 1])) words += ' ';
    words += text[i];
  }
  return words;
}

std::vector<FixedPart> fixed_parts_of_kind(std::string_view text, FixedPart::Kind kind) {
  std::vector<FixedPart> parts = find_fixed_parts(text);
  std::erase_if(parts, [&](const FixedPart& part) { return part.kind != kind; });
  return parts;
}

// Characters that differ, of those there are.
double rewritten_share(std::string_view from, std::span<const TextChange> changes) {
  size_t changed = 0;
  for (const TextChange& change : changes) {
    changed += std::max(count_characters(from.substr(change.begin, change.end - change.begin)),
                        count_characters(change.to));
  }
  return static_cast<double>(changed) /
         static_cast<double>(std::max<size_t>(count_characters(from), 1));
}

CorrectionEdit edit_at(std::string_view text, size_t offset, const TextChange& change) {
  const size_t begin = offset + change.begin;
  const size_t end = offset + change.end;
  const size_t first = count_characters(text.substr(0, begin));
  return {begin,
          end,
          first,
          first + count_characters(text.substr(begin, end - begin)),
          std::string(text.substr(begin, end - begin)),
          change.to};
}

constexpr const char* kInstruction =
    "Correct the spelling, spacing and grammar of the following sentence. Change nothing else: "
    "keep "
    "its language, wording, names, numbers and URLs. Write the corrected sentence only.";

}  // namespace

std::string forbidden_change(std::string_view from, std::string_view to) {
  for (const auto& [kind, reason] : {std::pair(FixedPart::Kind::kAddress, "changes a URL"),
                                     std::pair(FixedPart::Kind::kCode, "changes code"),
                                     std::pair(FixedPart::Kind::kNumber, "changes a number")}) {
    if (fixed_parts_of_kind(from, kind) != fixed_parts_of_kind(to, kind)) return reason;
  }
  if (latin_words(from) == latin_words(to)) return "";
  return type_hangul(from) == to ? "" : "changes a name";
}

Correction review_correction(std::string_view text, std::span<const TextSpan> sentences,
                             std::span<const std::string> proposals,
                             const CorrectOptions& options) {
  Correction result;
  result.sentences = sentences.size();
  size_t done = 0;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const std::string_view sentence = sentences[i].in(text);
    result.text += text.substr(done, sentences[i].begin - done);
    done = sentences[i].end;
    const std::vector<TextChange> changes = find_text_changes(sentence, proposals[i]);
    const double share = rewritten_share(sentence, changes);
    std::vector<TextChange> kept;
    for (TextChange& change : widen_to_words(sentence, changes)) {
      const std::string_view from = sentence.substr(change.begin, change.end - change.begin);
      std::string reason = forbidden_change(from, change.to);
      if (share > options.most_rewritten) {
        reason = "rewrites " + std::to_string(std::lround(100 * share)) + " % of the sentence";
      }
      CorrectionEdit edit = edit_at(text, sentences[i].begin, change);
      if (reason.empty()) {
        result.edits.push_back(std::move(edit));
        kept.push_back(std::move(change));
      } else {
        result.dropped.push_back({std::move(edit), std::move(reason)});
      }
    }
    result.text += apply_changes(sentence, kept);
  }
  result.text += text.substr(done);
  return result;
}

Correction correct_text(TaskModel& model, std::string_view text, const CorrectOptions& options,
                        FunctionRef<void(size_t done, size_t sentences)> progress,
                        const std::stop_token& stop) {
  require_text(text, "correct");
  const std::vector<TextSpan> sentences = split_sentences(text);
  std::vector<std::string> proposals;
  for (const TextSpan& span : sentences) {
    TaskPrompt prompt;
    prompt.instruction = kInstruction;
    prompt.text = span.in(text);
    prompt.prefix = options.prefix;
    prompt.max_tokens = 2 * model.count_tokens(prompt.text) + 16;
    const WrittenText written = model.write(prompt, stop);
    // An answer that was cut off corrects nothing.
    proposals.push_back(written.finished && !written.text.empty() ? written.text : prompt.text);
    progress(proposals.size(), sentences.size());
  }
  return review_correction(text, sentences, proposals, options);
}

Correction correct_text(const EditTagger& model, ThreadPool& pool, std::string_view text,
                        const CorrectOptions& options, const std::stop_token& stop) {
  require_text(text, "correct");
  const std::vector<TextSpan> sentences = split_sentences(text);
  std::vector<std::string> written;
  for (const TextSpan& span : sentences) written.emplace_back(span.in(text));
  const std::vector<std::string> proposals = model.correct(pool, written, stop);
  return review_correction(text, sentences, proposals, options);
}

}  // namespace onmal
