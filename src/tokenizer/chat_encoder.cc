#include "tokenizer/chat_encoder.h"

#include <algorithm>

namespace onmal {
namespace {

struct Run {
  size_t begin = 0;
  size_t end = 0;
  int count = 0;  // how many separate ones there are
};

Run run_of(std::span<const uint16_t> sources, uint16_t mark) {
  Run run;
  for (size_t at = 0; at < sources.size(); ++at) {
    if (sources[at] != mark) continue;
    if (run.count++ > 0) return run;
    run.begin = at;
    while (at < sources.size() && sources[at] == mark) ++at;
    run.end = at;
  }
  return run;
}

}  // namespace

ChatEncoder::ChatEncoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  for (int64_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto token = static_cast<int32_t>(id);
    if (!tokenizer.is_special(token) || tokenizer.piece(token).empty()) continue;
    const std::string piece(tokenizer.piece(token));
    special_[static_cast<unsigned char>(piece[0])].emplace_back(piece, token);
  }
  for (auto& row : special_) {
    std::stable_sort(row.begin(), row.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  }
  EncodeOptions options;
  options.add_special = true;
  prefix_ = tokenizer.encode("", options);
  // An end token that is added behind every text belongs to no prompt.
  const bool begins = !prefix_.empty() && prefix_[0] == tokenizer.begin_id();
  prefix_.resize(begins ? 1 : 0);
}

std::vector<ChatEncoder::Match> ChatEncoder::find_special(std::string_view text,
                                                          std::span<const uint16_t> sources,
                                                          bool trusted) const {
  std::vector<Match> matches;
  for (size_t at = 0; at < text.size();) {
    const auto& row = special_[static_cast<unsigned char>(text[at])];
    const auto found = std::find_if(row.begin(), row.end(), [&](const auto& special) {
      const size_t size = special.first.size();
      if (!text.substr(at).starts_with(special.first)) return false;
      const auto part = sources.subspan(at, size);
      return !trusted || std::all_of(part.begin(), part.end(), [](uint16_t source) {
        return source == RenderedChat::kTemplate;
      });
    });
    if (found == row.end()) {
      ++at;
      continue;
    }
    matches.push_back({at, at + found->first.size(), found->second});
    at += found->first.size();
  }
  return matches;
}

void ChatEncoder::encode_part(std::string_view text, std::span<const uint16_t> sources,
                              std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  const std::vector<Match> allowed = find_special(text, sources, true);
  const auto append = [&](std::string_view part, bool parse_special) {
    if (part.empty()) return;
    EncodeOptions options;
    options.parse_special = parse_special;
    const std::vector<int32_t> added = tokenizer_.encode(part, options);
    ids.insert(ids.end(), added.begin(), added.end());
  };
  if (allowed == find_special(text, sources, false)) return append(text, true);
  size_t begin = 0;
  for (const Match& match : allowed) {
    append(text.substr(begin, match.begin - begin), false);
    ids.push_back(match.id);
    begin = match.end;
  }
  append(text.substr(begin), false);
}

std::vector<int32_t> ChatEncoder::encode(const RenderedChat& chat, bool cut_at_messages,
                                         std::span<const EncodedAnswer> answers) const {
  const std::string_view text = chat.text;
  const std::span<const uint16_t> sources = chat.sources;
  struct Piece {
    size_t begin;
    size_t end;
    const EncodedAnswer* answer;
  };
  std::vector<Piece> pieces;
  for (const EncodedAnswer& answer : answers) {
    const size_t mark = RenderedChat::kMessage + answer.message;
    if (mark > UINT16_MAX) continue;
    const Run run = run_of(sources, static_cast<uint16_t>(mark));
    if (run.count != 1) continue;
    if (answer.content != text.substr(run.begin, run.end - run.begin)) continue;
    pieces.push_back({run.begin, run.end, &answer});
  }
  if (cut_at_messages) {
    for (size_t at = 0; at < sources.size();) {
      size_t end = at;
      while (end < sources.size() && sources[end] == sources[at]) ++end;
      const bool taken = std::any_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
        return piece.begin == at && piece.answer != nullptr;
      });
      if (sources[at] != RenderedChat::kTemplate && !taken) pieces.push_back({at, end, nullptr});
      at = end;
    }
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  std::vector<int32_t> ids;
  const bool has_prefix = !prefix_.empty() && [&] {
    const std::vector<Match> matches = find_special(text, sources, true);
    const std::string_view bos = tokenizer_.piece(prefix_[0]);
    return (!matches.empty() && matches[0].begin == 0 && matches[0].id == prefix_[0]) ||
           (text.starts_with(bos) && !bos.empty() && sources[0] == RenderedChat::kTemplate);
  }();
  if (!has_prefix) ids = prefix_;
  size_t begin = 0;
  const auto part = [&](size_t end) {
    encode_part(text.substr(begin, end - begin), sources.subspan(begin, end - begin), ids);
    begin = end;
  };
  for (const Piece& piece : pieces) {
    part(piece.begin);
    if (piece.answer != nullptr) {
      ids.insert(ids.end(), piece.answer->ids.begin(), piece.answer->ids.end());
      begin = piece.end;
    } else {
      part(piece.end);
    }
  }
  part(text.size());
  return ids;
}

int32_t ChatEncoder::token_behind(const RenderedChat& chat, size_t message) const {
  const Run run = run_of(chat.sources, static_cast<uint16_t>(RenderedChat::kMessage + message));
  if (run.count == 0) return -1;
  const std::string_view text = chat.text;
  const size_t at = std::min(text.find_first_not_of(" \t\r\n", run.end), text.size());
  const std::vector<Match> matches =
      find_special(text.substr(at), std::span(chat.sources).subspan(at), true);
  return !matches.empty() && matches[0].begin == 0 ? matches[0].id : -1;
}

}  // namespace onmal
