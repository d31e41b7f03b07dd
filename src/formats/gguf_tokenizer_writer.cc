#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "formats/gguf_tokenizer.h"
#include "formats/gguf_tokenizer_keys.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/named_patterns.h"
#include "tokenizer/pipeline_tokenizer.h"

namespace onmal {
namespace {

using namespace gguf_tokenizer;

void set_id(Metadata& metadata, const char* key, int32_t id) {
  if (id >= 0) metadata.set(key, int64_t{id});
}

std::vector<int64_t> numbers_of(const std::vector<TokenKind>& kinds) {
  std::vector<int64_t> numbers;
  for (const TokenKind kind : kinds) numbers.push_back(static_cast<int64_t>(kind));
  return numbers;
}

std::vector<std::string> write_merges(const std::vector<std::pair<int32_t, int32_t>>& merges,
                                      const std::vector<std::string>& tokens) {
  std::vector<std::string> written;
  written.reserve(merges.size());
  for (const auto& [left, right] : merges) {
    written.push_back(tokens[static_cast<size_t>(left)] + " " + tokens[static_cast<size_t>(right)]);
  }
  return written;
}

// GGUF has one place for a token before a text and one for it behind.
bool has_token(const std::vector<int32_t>& around, int32_t id) {
  return id >= 0 && std::find(around.begin(), around.end(), id) != around.end();
}

void write_byte_level(const BpeDefinition& definition, Metadata& metadata) {
  const ByteLevelAlphabet alphabet;
  const size_t count = definition.pieces.size();
  std::vector<TokenKind> kinds(count, TokenKind::kNormal);
  for (const AddedToken& token : definition.rules.added) {
    if (!token.special) kinds[static_cast<size_t>(token.id)] = TokenKind::kUserDefined;
  }
  for (const int32_t id : definition.special_ids)
    kinds[static_cast<size_t>(id)] = TokenKind::kControl;
  std::vector<std::string> tokens(count);
  for (size_t id = 0; id < count; ++id) {
    const std::string& piece = definition.pieces[id];
    tokens[id] = kinds[id] == TokenKind::kNormal ? alphabet.write(piece) : piece;
  }
  metadata.set(kModel, "gpt2");
  // Steps of a tokenizer.json that have no name travel as that file; "default" is for programs
  // that do not read it.
  metadata.set(kPre, definition.has_steps ? "default" : definition.pretokenizer);
  metadata.set(kMerges, write_merges(definition.merges, tokens));
  metadata.set(kTokens, std::move(tokens));
  metadata.set(kTypes, numbers_of(kinds));
  set_id(metadata, kBegin, definition.begin_id);
  set_id(metadata, kEnd, definition.end_id);
  set_id(metadata, kPad, definition.pad_id);
  set_id(metadata, kSeparator, definition.separator_id);
  const TextRules& rules = definition.rules;
  metadata.set(kAddBegin, definition.add_begin || has_token(rules.prefix, definition.begin_id));
  const bool add_end = definition.add_end || has_token(rules.suffix, definition.end_id);
  if (add_end) metadata.set(kAddEnd, true);
  if (definition.add_separator) metadata.set(kAddSeparator, true);
  const NamedPatterns* named = find_named_patterns(definition.pretokenizer);
  const bool plain = !definition.has_steps && rules.normalizer.empty() && named != nullptr &&
                     named->ignore_merges == definition.ignore_merges &&
                     rules.order == AddedOrder::kLongest;
  if (!plain && !definition.hugging_face_json.empty())
    metadata.set(kHuggingFaceJson, definition.hugging_face_json);
}

// Scores that make the merges by score the merges of the list: a token's is the rank of the first
// merge that makes it, negated.
std::vector<double> scores_of_merges(const SubwordDefinition& model) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < model.texts.size(); ++id) ids.emplace(model.texts[id], id);
  std::vector<double> scores(model.texts.size(), 0.0);
  std::vector<bool> made(model.texts.size(), false);
  for (size_t rank = 0; rank < model.merges.size(); ++rank) {
    const auto& [left, right] = model.merges[rank];
    const auto found =
        ids.find(model.texts[static_cast<size_t>(left)] + model.texts[static_cast<size_t>(right)]);
    if (found == ids.end() || made[found->second]) continue;
    made[found->second] = true;
    scores[found->second] = -static_cast<double>(rank + 1);
  }
  return scores;
}

const char* model_name(const PipelineDefinition& definition) {
  switch (definition.kind) {
    case SubwordKind::kUnigram:
      return "t5";
    case SubwordKind::kWordPiece:
    case SubwordKind::kWords:
      return "bert";
    case SubwordKind::kMerges:
      return definition.pretokenizer.name().empty() ? "llama" : "gpt2";
    case SubwordKind::kScores:
      break;
  }
  return "llama";
}

void write_pieces(const PipelineDefinition& definition, Metadata& metadata) {
  const SubwordDefinition& model = definition.model;
  const std::string name = model_name(definition);
  metadata.set(kModel, name);
  metadata.set(kPre, name == "gpt2" ? definition.pretokenizer.name() : std::string("default"));
  metadata.set(kTokens, model.texts);
  metadata.set(kTypes, numbers_of(model.kinds));
  if (name == "gpt2") {
    metadata.set(kMerges, write_merges(model.merges, model.texts));
  } else if (name == "llama" && definition.kind == SubwordKind::kMerges) {
    metadata.set(kScores, scores_of_merges(model));
  } else if (name != "bert") {
    metadata.set(kScores, model.scores);
  }
  set_id(metadata, kBegin, definition.begin_id);
  set_id(metadata, kEnd, definition.end_id);
  set_id(metadata, kUnknown, model.unknown_id);
  set_id(metadata, kSeparator, definition.separator_id);
  set_id(metadata, kPad, definition.pad_id);
  set_id(metadata, kMask, definition.mask_id);
  const TextRules& rules = definition.rules;
  metadata.set(kAddBegin, definition.add_begin || has_token(rules.prefix, definition.begin_id));
  metadata.set(kAddEnd, definition.add_end || has_token(rules.suffix, definition.end_id));
  if (name == "bert") {
    metadata.set(kAddSeparator, true);
    metadata.set(kLowercase, definition.lowercase);
    metadata.set(kStripAccents, definition.strip_accents);
  } else {
    metadata.set(kAddSpacePrefix, definition.spaces.add_prefix);
  }
  if (name == "t5") {
    metadata.set(kRemoveExtraSpaces, definition.spaces.remove_extra);
    if (definition.charsmap != nullptr) {
      std::vector<int64_t> bytes;
      for (const char c : definition.charsmap->blob()) bytes.push_back(static_cast<uint8_t>(c));
      metadata.set(kCharsmap, std::move(bytes));
    }
  }
  if (!definition.hugging_face_json.empty())
    metadata.set(kHuggingFaceJson, definition.hugging_face_json);
}

}  // namespace

void write_gguf_tokenizer(const Tokenizer& tokenizer, const std::string& chat_template,
                          std::span<const int32_t> end_ids, Metadata& metadata) {
  if (const auto* bpe = dynamic_cast<const BpeTokenizer*>(&tokenizer)) {
    write_byte_level(bpe->definition(), metadata);
  } else if (const auto* pipeline = dynamic_cast<const PipelineTokenizer*>(&tokenizer)) {
    write_pieces(pipeline->definition(), metadata);
  } else {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "tokenizers of this kind cannot be written to GGUF");
  }
  const auto turn_end = std::find_if(end_ids.begin(), end_ids.end(),
                                     [&](int32_t id) { return id != tokenizer.end_id(); });
  if (turn_end != end_ids.end()) set_id(metadata, kTurnEnd, *turn_end);
  if (!chat_template.empty()) metadata.set(kChatTemplate, chat_template);
}

}  // namespace onmal
