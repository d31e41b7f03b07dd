#include "knowledge/readers/builder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kMostWarnings = 100;
constexpr size_t kMostTitleBytes = 1000;

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 ? byte != 0x7F : (c == '\n' || c == '\t');
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t'; }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool stand_close(BlockKind one, BlockKind other) {
  return one == other && (one == BlockKind::kTableRow || one == BlockKind::kListItem);
}

}  // namespace

DocumentBuilder::DocumentBuilder(const std::filesystem::path& path, std::string format,
                                 const ReadLimits& limits)
    : limits_(limits) {
  document_.path = path;
  document_.format = std::move(format);
}

uint64_t DocumentBuilder::open_bytes() const {
  return open_ ? document_.text.size() - block_.begin : 0;
}

void DocumentBuilder::begin_block(BlockKind kind, int level) {
  end_block();
  std::string& text = document_.text;
  if (!document_.blocks.empty()) {
    text += stand_close(kind, document_.blocks.back().kind) ? "\n" : "\n\n";
  }
  block_ = {kind, static_cast<uint8_t>(std::clamp(level, 0, 6)), text.size(), text.size()};
  open_ = true;
  first_source_ = document_.sources.size();
  document_.sources.push_back({text.size(), kNoSource});
}

void DocumentBuilder::note_source(uint64_t source) {
  const uint64_t at = document_.text.size();
  SourceSpan& last = document_.sources.back();
  if (last.begin == at && document_.sources.size() > first_source_) {
    last.source = source;
    return;
  }
  const uint64_t expected = last.source == kNoSource ? kNoSource : last.source + (at - last.begin);
  if (expected != source) document_.sources.push_back({at, source});
}

void DocumentBuilder::append_clean(std::string_view text, uint64_t source) {
  if (text.empty()) return;
  if (document_.text.size() + text.size() > limits_.text_bytes) {
    throw Error(ErrorCode::kResource, where(),
                "its text is longer than " + std::to_string(limits_.text_bytes) + " bytes",
                "split it");
  }
  if (source != kNoSource) keeps_sources_ = true;
  note_source(source);
  document_.text += text;
}

void DocumentBuilder::append(std::string_view text, uint64_t source) {
  if (!open_) begin_block(BlockKind::kParagraph);
  size_t begin = 0;
  const auto flush = [&](size_t end) {
    append_clean(text.substr(begin, end - begin), source == kNoSource ? kNoSource : source + begin);
  };
  // Only what is broken is looked at character by character.
  size_t invalid = find_invalid_utf8(text);
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == invalid) {
      flush(i);
      append_clean("\xEF\xBF\xBD", kNoSource);
      begin = i + 1;
      const size_t next = find_invalid_utf8(text.substr(begin));
      invalid = next == std::string_view::npos ? next : begin + next;
    } else if (!is_plain(text[i])) {
      flush(i);
      begin = i + 1;
      const bool alone = i + 1 >= text.size() || text[i + 1] != '\n';
      if (text[i] == '\r' && alone) append_clean("\n", kNoSource);
      if (text[i] == '\v' || text[i] == '\f') append_clean("\n", kNoSource);
    }
  }
  flush(text.size());
}

void DocumentBuilder::trim_open_block() {
  std::string& text = document_.text;
  while (text.size() > block_.begin && is_blank(text.back())) text.pop_back();
  size_t lead = block_.begin;
  // Indentation of code means something; empty lines before it do not.
  for (size_t i = lead; i < text.size() && is_blank(text[i]); ++i) {
    if (block_.kind != BlockKind::kCode || text[i] == '\n') lead = i + 1;
  }
  const uint64_t cut = lead - block_.begin;
  if (cut > 0) text.erase(block_.begin, cut);
  std::vector<SourceSpan>& sources = document_.sources;
  for (size_t i = first_source_; cut > 0 && i < sources.size(); ++i) {
    const uint64_t shift = std::min(cut, sources[i].begin - block_.begin);
    if (sources[i].source != kNoSource) sources[i].source += cut - shift;
    sources[i].begin -= shift;
  }
  // Of spans that now begin at one place only the last one has text.
  size_t kept = first_source_;
  for (size_t i = first_source_; i < sources.size(); ++i) {
    if (sources[i].begin >= text.size()) break;
    if (kept > first_source_ && sources[kept - 1].begin == sources[i].begin) --kept;
    sources[kept++] = sources[i];
  }
  sources.resize(kept);
}

void DocumentBuilder::normalize_open_block() {
  const std::string_view text = std::string_view(document_.text).substr(block_.begin);
  if (is_ascii(text)) return;
  if (normalize_unicode(text, NormalForm::kNfc) == text) return;
  // Nothing composes with what stands before an ASCII character, so these are cut at.
  const std::string old(text);
  const std::vector<SourceSpan> spans(
      document_.sources.begin() + static_cast<std::ptrdiff_t>(first_source_),
      document_.sources.end());
  document_.text.resize(block_.begin);
  document_.sources.resize(first_source_);
  document_.sources.push_back({block_.begin, kNoSource});
  size_t span = 0;
  for (size_t begin = 0; begin < old.size();) {
    size_t end = begin + 1;
    while (end < old.size() && static_cast<unsigned char>(old[end]) >= 0x80) ++end;
    const std::string_view part = std::string_view(old).substr(begin, end - begin);
    const std::string composed = normalize_unicode(part, NormalForm::kNfc);
    while (span + 1 < spans.size() && spans[span + 1].begin <= block_.begin + begin) ++span;
    const bool one_span = span + 1 >= spans.size() || spans[span + 1].begin >= block_.begin + end;
    const bool same = composed == part && one_span && spans[span].source != kNoSource;
    append_clean(composed, same ? spans[span].source + (block_.begin + begin - spans[span].begin)
                                : kNoSource);
    begin = end;
  }
}

void DocumentBuilder::end_block() {
  if (!open_) return;
  open_ = false;
  trim_open_block();
  normalize_open_block();
  std::string& text = document_.text;
  block_.end = text.size();
  if (block_.begin == block_.end) {
    document_.sources.resize(first_source_);
    text.resize(document_.blocks.empty() ? 0 : document_.blocks.back().end);
    return;
  }
  if (page_waits_) {
    page_.begin = block_.begin;
    document_.pages.push_back(page_);
    page_waits_ = false;
  }
  document_.blocks.push_back(block_);
  // The line breaks before the next block stand in no file.
  document_.sources.push_back({block_.end, kNoSource});
}

void DocumentBuilder::add_block(BlockKind kind, std::string_view text, int level) {
  begin_block(kind, level);
  append(text);
  end_block();
}

void DocumentBuilder::begin_page(int64_t number) {
  end_block();
  if (page_waits_) {  // the page before is empty
    page_.begin = document_.text.size();
    document_.pages.push_back(page_);
  }
  page_.number = number;
  page_waits_ = true;
}

void DocumentBuilder::set_title(std::string_view title) {
  const std::string_view cut = title.substr(0, kMostTitleBytes);
  std::string clean;
  for (size_t i = 0; i < cut.size();) {
    const Utf8Char c = read_utf8(cut, i);
    if (c.valid && c.code >= 0x20) {
      clean += cut.substr(i, c.length);
    } else if (!clean.empty() && clean.back() != ' ') {
      clean += ' ';
    }
    i += c.length;
  }
  while (!clean.empty() && clean.back() == ' ') clean.pop_back();
  clean.erase(0, clean.find_first_not_of(' '));
  document_.title = normalize_unicode(clean, NormalForm::kNfc);
}

void DocumentBuilder::warn(const std::string& warning) {
  std::vector<std::string>& all = document_.warnings;
  if (all.size() >= kMostWarnings) return;
  std::string line;
  for (const char c : warning) line += is_plain(c) && c != '\n' ? c : ' ';
  if (std::find(all.begin(), all.end(), line) == all.end()) all.push_back(line);
}

void DocumentBuilder::leave_out(const std::string& things) { ++left_out_[things]; }

Document DocumentBuilder::finish() {
  end_block();
  if (page_waits_) {
    page_.begin = document_.text.size();
    document_.pages.push_back(page_);
  }
  if (!keeps_sources_) document_.sources.clear();
  if (document_.title.empty()) {
    for (const Block& block : document_.blocks) {
      if (block.kind != BlockKind::kHeading) continue;
      set_title(std::string_view(document_.text).substr(block.begin, block.end - block.begin));
      break;
    }
  }
  for (const auto& [things, count] : left_out_) {
    warn("left out: " + std::to_string(count) + " " + things);
  }
  return std::move(document_);
}

}  // namespace onmal
