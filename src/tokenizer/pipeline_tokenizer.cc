#include "tokenizer/pipeline_tokenizer.h"

#include <array>

#include "base/error.h"
#include "tokenizer/marked_space.h"

namespace onmal {
namespace {

constexpr size_t kMostCachedPieces = size_t{1} << 24;

[[noreturn]] void refuse_model(const std::string& what) {
  throw Error(ErrorCode::kBadFile, "tokenizer", what);
}

void check(const PipelineDefinition& definition) {
  const size_t count = definition.pieces.size();
  const SubwordDefinition& model = definition.model;
  if (count == 0 || count > kMostCachedPieces) refuse_model("the vocabulary is empty or too large");
  if (model.texts.size() != count || model.kinds.size() != count)
    refuse_model("the vocabulary and its kinds differ in length");
  const bool scored =
      definition.kind == SubwordKind::kUnigram || definition.kind == SubwordKind::kScores;
  if (scored && model.scores.size() != count)
    refuse_model("has " + std::to_string(count) + " tokens but " +
                 std::to_string(model.scores.size()) + " scores");
  const auto known = [&](int32_t id) { return id >= 0 && static_cast<size_t>(id) < count; };
  for (const int32_t id : {definition.begin_id, definition.end_id, definition.separator_id,
                           definition.pad_id, definition.mask_id, model.unknown_id}) {
    if (id != -1 && !known(id))
      refuse_model("a special token's id " + std::to_string(id) + " is outside the vocabulary");
  }
  for (const auto& [left, right] : model.merges) {
    if (!known(left) || !known(right)) refuse_model("a merge names an unknown token");
  }
  for (const AddedToken& token : definition.rules.added) {
    if (!known(token.id)) refuse_model("an added token is outside the vocabulary");
  }
  for (const auto* around : {&definition.rules.prefix, &definition.rules.suffix}) {
    for (const int32_t id : *around) {
      if (!known(id)) refuse_model("a token put around texts is outside the vocabulary");
    }
  }
}

std::unique_ptr<SubwordModel> make_model(const PipelineDefinition& definition) {
  switch (definition.kind) {
    case SubwordKind::kScores:
      return score_model(definition.model);
    case SubwordKind::kMerges:
      return merge_model(definition.model);
    case SubwordKind::kUnigram:
      return unigram_model(definition.model);
    case SubwordKind::kWordPiece:
      return word_piece_model(definition.model);
    case SubwordKind::kWords:
      return word_model(definition.model);
  }
  return nullptr;
}

// Undoes the spaces that joining BERT's words with spaces puts before punctuation and endings.
std::string clean_up_spaces(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kChanges = {
      {{" .", "."},
       {" ?", "?"},
       {" !", "!"},
       {" ,", ","},
       {" ' ", "'"},
       {" n't", "n't"},
       {" 'm", "'m"},
       {" do not", " don't"},
       {" 's", "'s"},
       {" 've", "'ve"},
       {" 're", "'re"}}};
  for (const auto& [from, to] : kChanges) {
    std::string changed;
    size_t done = 0;
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + from.size())) {
      changed.append(text, done, at - done).append(to);
      done = at + from.size();
    }
    text = changed.append(text, done);
  }
  return text;
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(PipelineDefinition definition)
    : definition_(std::move(definition)) {
  check(definition_);
  pipeline_ = TextPipeline(definition_.rules, definition_.pretokenizer);
  model_ = make_model(definition_);
  for (size_t id = 0; id < definition_.pieces.size(); ++id)
    ids_.emplace(definition_.pieces[id], static_cast<int32_t>(id));
  for (size_t id = 0; id < definition_.pieces.size(); ++id)
    ids_.emplace(definition_.model.texts[id], static_cast<int32_t>(id));
}

std::vector<int32_t> PipelineTokenizer::encode(std::string_view text,
                                               const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  pipeline_.encode(
      text, options,
      [&](std::string_view stretch, std::vector<int32_t>& out) { model_->encode(stretch, out); },
      ids);
  return ids;
}

std::string_view PipelineTokenizer::piece(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer",
                "token id " + std::to_string(id) + " is outside the vocabulary of " +
                    std::to_string(vocab_size()));
  }
  return definition_.pieces[static_cast<size_t>(id)];
}

bool PipelineTokenizer::is_special(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return false;
  const TokenKind kind = definition_.model.kinds[static_cast<size_t>(id)];
  return kind == TokenKind::kControl || kind == TokenKind::kUnknown;
}

int32_t PipelineTokenizer::find(std::string_view text) const {
  const auto found = ids_.find(std::string(text));
  return found == ids_.end() ? -1 : found->second;
}

std::string PipelineTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += piece(id);
  if (definition_.clean_up) text = clean_up_spaces(std::move(text));
  const bool trim = definition_.trim_space && !ids.empty() && !is_special(ids[0]);
  if (trim && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::vector<std::string> pieces_of_texts(const std::vector<std::string>& texts,
                                         const std::vector<TokenKind>& kinds) {
  std::vector<std::string> pieces;
  pieces.reserve(texts.size());
  for (size_t id = 0; id < texts.size(); ++id) {
    const int byte = kinds[id] == TokenKind::kByte ? byte_of_token(texts[id]) : -1;
    std::string piece;
    if (byte >= 0) {
      piece.push_back(static_cast<char>(byte));
    } else if (kinds[id] == TokenKind::kNormal || kinds[id] == TokenKind::kUnused) {
      std::string_view rest = texts[id];
      while (!rest.empty()) {
        const bool space = rest.starts_with(kMarkedSpace);
        piece.push_back(space ? ' ' : rest[0]);
        rest.remove_prefix(space ? kMarkedSpace.size() : 1);
      }
    } else {
      piece = texts[id];
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace onmal
