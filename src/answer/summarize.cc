#include "answer/summarize.h"

#include <algorithm>

#include "answer/translate.h"
#include "base/error.h"
#include "text/sentences.h"

namespace onmal {
namespace {

constexpr int64_t kTokensPerSentence = 80;  // of a summary, generously
constexpr int64_t kTokensPerCharacter = 3;  // of Hangul by bytes at the worst
constexpr int kMostRounds = 6;

std::string instruction(std::string_view text, const SummaryLength& length) {
  const std::string size = length.characters > 0
                               ? "at most " + std::to_string(length.characters) + " characters"
                               : "at most " + std::to_string(length.sentences) +
                                     (length.sentences == 1 ? " sentence" : " sentences");
  const std::string language = language_name(detect_language(text));
  return "Summarize the following text in " + size + (language.empty() ? "" : ", in " + language) +
         ". Say only what the text says. Write the summary only.";
}

int64_t answer_tokens(const SummaryLength& length) {
  return length.characters > 0 ? length.characters * kTokensPerCharacter
                               : length.sentences * kTokensPerSentence;
}

// Whole sentences and what stands between them, as many as fit.
std::vector<TextSpan> split_for(const TaskModel& model, std::string_view text, int64_t most) {
  std::vector<TextSpan> parts;
  int64_t taken = 0;
  for (const TextSpan& sentence : split_sentences(text)) {
    const int64_t tokens = model.count_tokens(sentence.in(text)) + 1;
    if (parts.empty() || taken + tokens > most) {
      parts.push_back(sentence);
      taken = 0;
    }
    parts.back().end = sentence.end;
    taken += tokens;
  }
  return parts;
}

}  // namespace

Summary summarize_text(TaskModel& model, std::string_view text, const SummarizeOptions& options,
                       FunctionRef<void(size_t done, size_t parts)> progress,
                       const std::stop_token& stop) {
  require_text(text, "summarize");
  TaskPrompt prompt;
  prompt.instruction = instruction(text, options.length);
  prompt.prefix = options.prefix;
  const int64_t room = model.room(prompt);
  prompt.max_tokens = std::max<int64_t>(std::min(answer_tokens(options.length), room / 3), 1);
  int64_t most = std::max<int64_t>(room - prompt.max_tokens, 1);
  if (!model.is_instructed()) most = std::max<int64_t>(room / 2, 1);
  const int64_t whole = model.count_tokens(text);
  if (whole > options.most_tokens) {
    throw Error(ErrorCode::kResource, "summarize",
                "the text has " + std::to_string(whole) + " tokens, " +
                    std::to_string(whole - options.most_tokens) + " more than are taken at a time",
                "give less, or use --extractive");
  }
  Summary summary;
  std::string rest(text);
  const auto write = [&](std::string_view part) {
    prompt.text = part;
    WrittenText written = model.write(prompt, stop);
    summary.finished = summary.finished && written.finished;
    return std::move(written.text);
  };
  // Parts of at most a third of what fits give summaries that shrink whatever the model writes.
  const int64_t part_tokens = options.part_tokens > 0 ? std::min(options.part_tokens, most) : most;
  while (model.count_tokens(rest) > part_tokens && summary.rounds < kMostRounds) {
    const std::vector<TextSpan> parts = split_for(model, rest, part_tokens);
    if (parts.size() < 2) break;
    if (summary.rounds == 1) summary.parts = parts.size();
    std::string joined;
    for (size_t i = 0; i < parts.size(); ++i) {
      joined += write(parts[i].in(rest)) + "\n";
      progress(i + 1, parts.size());
    }
    const bool shrank = joined.size() < rest.size();
    rest = std::move(joined);
    ++summary.rounds;
    if (!shrank) break;
  }
  // A model that does not shorten must not be asked for ever: the beginning that fits.
  if (model.count_tokens(rest) > most) {
    const std::vector<TextSpan> parts = split_for(model, rest, most);
    if (!parts.empty()) rest = parts[0].in(rest);
    summary.finished = false;
  }
  summary.text = write(rest);
  return summary;
}

}  // namespace onmal
