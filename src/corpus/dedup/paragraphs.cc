#include "corpus/dedup/paragraphs.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {
namespace {

std::optional<Fingerprint> fingerprint_of(std::string_view paragraph, uint64_t least_characters) {
  std::string buffer;
  const std::string_view normal = normalize_for_equality(paragraph, buffer);
  if (normal.empty() || count_characters(normal) < least_characters) return std::nullopt;
  return fingerprint_normalized(normal);
}

bool is_blank_line(std::string_view line) { return line.find_first_not_of(" \t\r\n") == line.npos; }

// A line with what ends it.
void for_each_whole_line(std::string_view text, FunctionRef<void(std::string_view)> take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    take(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

void for_each_line(std::string_view text, FunctionRef<void(std::string_view)> take) {
  for_each_whole_line(text, [&](std::string_view line) { take(without_end(line)); });
}

bool RepeatedParagraphs::holds(std::string_view paragraph) const {
  if (fingerprints_.empty()) return false;
  const std::optional<Fingerprint> found = fingerprint_of(paragraph, least_characters_);
  return found && std::binary_search(fingerprints_.begin(), fingerprints_.end(), *found);
}

RepeatedParagraphs::Stripped RepeatedParagraphs::strip(
    std::string_view text, FunctionRef<bool(std::string_view paragraph)> may_go) const {
  Stripped result;
  result.text.reserve(text.size());
  bool just_removed = false;
  bool after_blank = true;
  for_each_whole_line(text, [&](std::string_view line) {
    const bool blank = is_blank_line(line);
    if (!blank && holds(without_end(line)) && may_go(without_end(line))) {
      ++result.paragraphs;
      just_removed = true;
      return;
    }
    if (blank && just_removed && after_blank) return;
    result.text.append(line);
    after_blank = blank;
    just_removed = just_removed && blank;
  });
  return result;
}

ParagraphCounter::ParagraphCounter(const ParagraphOptions& options)
    : options_(options), entries_(options.storage) {
  if (options.most_documents < 1) {
    throw Error(ErrorCode::kInvalidArgument, "deduplication",
                "paragraphs must be allowed in one document at least");
  }
}

void ParagraphCounter::add(uint64_t id, std::string_view text) {
  std::vector<Fingerprint> found;
  for_each_line(text, [&](std::string_view line) {
    if (const auto fingerprint = fingerprint_of(line, options_.least_characters))
      found.push_back(*fingerprint);
  });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  const std::lock_guard lock(mutex_);
  for (const Fingerprint& fingerprint : found) entries_.add({fingerprint, id});
}

RepeatedParagraphs ParagraphCounter::finish(FunctionRef<bool(uint64_t id)> counts,
                                            FunctionRef<void(uint64_t id)> has_repeated,
                                            FunctionRef<void()> check) {
  constexpr uint64_t kCheckEvery = uint64_t{1} << 16;
  RepeatedParagraphs repeated;
  repeated.least_characters_ = options_.least_characters;
  entries_.sort(check);
  Entry entry{};
  Entry last{};
  uint64_t documents = 0;
  std::vector<uint64_t> first;  // documents with the paragraph while it is not known for repeated
  for (uint64_t read = 1; entries_.next(entry); ++read) {
    if (read % kCheckEvery == 0) check();
    const bool same = documents > 0 && entry.fingerprint == last.fingerprint;
    if ((same && entry.id == last.id) || !counts(entry.id)) continue;
    documents = same ? documents + 1 : 1;
    last = entry;
    if (!same) first.clear();
    if (documents <= options_.most_documents) {
      if (first.size() < options_.most_documents) first.push_back(entry.id);
      continue;
    }
    for (const uint64_t id : first) has_repeated(id);
    first.clear();
    has_repeated(entry.id);
    if (documents == options_.most_documents + 1)
      repeated.fingerprints_.push_back(entry.fingerprint);
  }
  return repeated;
}

}  // namespace onmal
