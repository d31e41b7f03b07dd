#include "formats/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "formats/gguf_tokenizer_keys.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/named_patterns.h"
#include "tokenizer/pipeline_tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

using namespace gguf_tokenizer;

// Everything but the kind: what all of them read the same way.
struct Common {
  std::vector<std::string> texts;
  std::vector<TokenKind> kinds;
  std::vector<AddedToken> added;
};

Common read_common(const Metadata& metadata) {
  Common common;
  common.texts = read_texts(metadata);
  common.kinds = read_kinds(metadata, common.texts);
  common.added = find_added_tokens(metadata, common.texts, common.kinds);
  return common;
}

const NamedPatterns& patterns_of(const Metadata& metadata) {
  const std::string name = metadata.get_string(kPre, "default");
  const NamedPatterns* named = find_named_patterns(name.empty() ? "default" : name);
  if (named != nullptr) return *named;
  std::string known;
  for (const std::string& candidate : Pretokenizer::names())
    known += (known.empty() ? "" : ", ") + candidate;
  throw Error(ErrorCode::kUnsupported, metadata.where(),
              "unknown pre-tokenizer '" + name + "' (" + kPre + ")", "known ones: " + known);
}

std::vector<std::pair<int32_t, int32_t>> read_merges(const Metadata& metadata,
                                                     std::span<const std::string> texts) {
  std::unordered_map<std::string_view, int32_t> ids;
  ids.reserve(texts.size());
  for (size_t id = 0; id < texts.size(); ++id) ids.emplace(texts[id], static_cast<int32_t>(id));
  const auto id_of = [&](std::string_view text) {
    const auto found = ids.find(text);
    if (found != ids.end()) return found->second;
    throw Error(
        ErrorCode::kBadFile, metadata.where(),
        "a merge names '" + std::string(text.substr(0, 100)) + "', which is not in the vocabulary");
  };
  std::vector<std::pair<int32_t, int32_t>> merges;
  for (const std::string& merge : metadata.get_strings(kMerges)) {
    const size_t space = merge.find(' ', 1);
    if (space == std::string::npos) {
      throw Error(ErrorCode::kBadFile, metadata.where(),
                  "the merge '" + merge.substr(0, 100) + "' is not a pair");
    }
    const std::string_view text = merge;
    const int32_t left = id_of(text.substr(0, space));
    merges.emplace_back(left, id_of(text.substr(space + 1)));
  }
  return merges;
}

bool is_complete_alphabet(const BpeDefinition& definition) {
  std::array<bool, 256> there{};
  for (const std::string& piece : definition.pieces) {
    if (piece.size() == 1) there[static_cast<uint8_t>(piece[0])] = true;
  }
  return std::find(there.begin(), there.end(), false) == there.end();
}

std::shared_ptr<const Tokenizer> read_byte_level(const Metadata& metadata,
                                                 const NamedPatterns& named) {
  Common common = read_common(metadata);
  const ByteLevelAlphabet alphabet;
  BpeDefinition definition;
  definition.pretokenizer = metadata.get_string(kPre, "default");
  definition.merges = read_merges(metadata, common.texts);
  for (size_t id = 0; id < common.texts.size(); ++id) {
    const TokenKind kind = common.kinds[id];
    std::string bytes;
    const bool mapped = kind == TokenKind::kNormal && alphabet.read(common.texts[id], bytes);
    definition.pieces.push_back(mapped ? std::move(bytes) : common.texts[id]);
    if (kind == TokenKind::kControl || kind == TokenKind::kUnknown)
      definition.special_ids.push_back(static_cast<int32_t>(id));
  }
  definition.partial_alphabet = !is_complete_alphabet(definition);
  const size_t count = definition.pieces.size();
  definition.rules.added = std::move(common.added);
  definition.begin_id = read_id(metadata, kBegin, -1, count);
  definition.end_id = read_id(metadata, kEnd, -1, count);
  definition.pad_id = read_id(metadata, kPad, -1, count);
  definition.separator_id = read_id(metadata, kSeparator, -1, count);
  definition.add_begin = metadata.get_bool(kAddBegin, named.add_begin);
  definition.add_end = metadata.get_bool(kAddEnd, false);
  definition.add_separator = metadata.get_bool(kAddSeparator, named.add_separator);
  definition.ignore_merges = named.ignore_merges;
  return std::make_shared<BpeTokenizer>(std::move(definition));
}

// What PipelineDefinition and the keys share.
void read_ids_and_flags(const Metadata& metadata, PipelineDefinition& definition) {
  const size_t count = definition.model.texts.size();
  definition.begin_id = read_id(metadata, kBegin, definition.begin_id, count);
  definition.end_id = read_id(metadata, kEnd, definition.end_id, count);
  definition.model.unknown_id = read_id(metadata, kUnknown, definition.model.unknown_id, count);
  definition.separator_id = read_id(metadata, kSeparator, definition.separator_id, count);
  definition.pad_id = read_id(metadata, kPad, definition.pad_id, count);
  definition.mask_id = read_id(metadata, kMask, definition.mask_id, count);
  definition.add_begin = metadata.get_bool(kAddBegin, definition.add_begin);
  definition.add_end = metadata.get_bool(kAddEnd, definition.add_end);
  definition.add_separator = metadata.get_bool(kAddSeparator, definition.add_separator);
  const auto put = [](bool wanted, int32_t id, std::vector<int32_t>& place) {
    if (wanted && id >= 0) place.push_back(id);
  };
  const bool word_piece = definition.kind == SubwordKind::kWordPiece;
  put(definition.add_begin || word_piece, definition.begin_id, definition.rules.prefix);
  put(definition.add_end && !word_piece, definition.end_id, definition.rules.suffix);
  put(word_piece, definition.separator_id, definition.rules.suffix);
}

PipelineDefinition read_pieces(const Metadata& metadata) {
  Common common = read_common(metadata);
  PipelineDefinition definition;
  definition.model.texts = std::move(common.texts);
  definition.model.kinds = std::move(common.kinds);
  definition.rules.added = std::move(common.added);
  definition.pieces = pieces_of_texts(definition.model.texts, definition.model.kinds);
  if (metadata.contains(kScores)) definition.model.scores = metadata.get_floats(kScores);
  definition.model.scores.resize(definition.model.texts.size(), 0.0);
  return definition;
}

std::shared_ptr<const Tokenizer> read_scores(const Metadata& metadata) {
  PipelineDefinition definition = read_pieces(metadata);
  definition.kind = SubwordKind::kScores;
  definition.begin_id = 1;
  definition.end_id = 2;
  definition.model.unknown_id = 0;
  definition.model.byte_fallback = true;
  definition.add_begin = true;
  definition.spaces.add_prefix = metadata.get_bool(kAddSpacePrefix, true);
  definition.spaces.remove_extra = false;
  definition.spaces.like_llama_cpp = true;
  definition.trim_space = definition.spaces.add_prefix;
  definition.rules.normalizer.add(normalize_spaces(definition.spaces.add_prefix));
  read_ids_and_flags(metadata, definition);
  return std::make_shared<PipelineTokenizer>(std::move(definition));
}

std::shared_ptr<const Charsmap> read_charsmap(const Metadata& metadata) {
  if (!metadata.contains(kCharsmap)) return nullptr;
  std::string blob;
  for (const int64_t byte : metadata.get_ints(kCharsmap)) blob.push_back(static_cast<char>(byte));
  if (blob.empty()) return nullptr;
  return std::make_shared<Charsmap>(blob, metadata.where());
}

std::shared_ptr<const Tokenizer> read_unigram(const Metadata& metadata) {
  PipelineDefinition definition = read_pieces(metadata);
  definition.kind = SubwordKind::kUnigram;
  definition.end_id = 1;
  definition.model.unknown_id = 2;
  definition.pad_id = 0;
  definition.add_end = true;
  definition.spaces.add_prefix = metadata.get_bool(kAddSpacePrefix, false);
  definition.spaces.remove_extra = metadata.get_bool(kRemoveExtraSpaces, false);
  definition.spaces.like_llama_cpp = true;
  definition.charsmap = read_charsmap(metadata);
  TokenTrie kept;
  for (size_t id = 0; id < definition.model.texts.size(); ++id) {
    if (definition.model.kinds[id] == TokenKind::kUserDefined)
      kept.insert(definition.model.texts[id], static_cast<int32_t>(id));
  }
  definition.trim_space = definition.spaces.add_prefix || definition.spaces.remove_extra;
  definition.rules.normalizer.add(
      normalize_sentencepiece(definition.charsmap, definition.spaces, std::move(kept)));
  read_ids_and_flags(metadata, definition);
  return std::make_shared<PipelineTokenizer>(std::move(definition));
}

std::shared_ptr<const Tokenizer> read_word_piece(const Metadata& metadata) {
  PipelineDefinition definition = read_pieces(metadata);
  definition.kind = SubwordKind::kWordPiece;
  definition.begin_id = 101;
  definition.model.unknown_id = 100;
  definition.separator_id = 102;
  definition.pad_id = 0;
  definition.mask_id = 103;
  definition.add_begin = definition.add_separator = true;
  definition.lowercase = metadata.get_bool(kLowercase, true);
  definition.strip_accents = metadata.get_bool(kStripAccents, definition.lowercase);
  definition.trim_space = definition.clean_up = true;
  definition.rules.normalizer.add(
      normalize_llama_cpp_bert(definition.strip_accents, definition.lowercase));
  definition.pretokenizer = Pretokenizer({split_by(match_text(" "), SplitBehavior::kRemoved)});
  if (definition.begin_id < 0 && metadata.contains(kClass))
    definition.begin_id = read_id(metadata, kClass, -1, definition.model.texts.size());
  read_ids_and_flags(metadata, definition);
  return std::make_shared<PipelineTokenizer>(std::move(definition));
}

// Merges over whole characters, U+2581 for spaces, "<0x0A>" for bytes (Gemma 4).
std::shared_ptr<const Tokenizer> read_whole_characters(const Metadata& metadata,
                                                       const NamedPatterns& named,
                                                       const std::string& pre) {
  PipelineDefinition definition = read_pieces(metadata);
  definition.kind = SubwordKind::kMerges;
  definition.model.merges = read_merges(metadata, definition.model.texts);
  definition.model.byte_fallback = true;
  definition.add_begin = named.add_begin;
  definition.spaces.add_prefix = false;
  definition.rules.normalizer.add(normalize_spaces(false));
  definition.pretokenizer = Pretokenizer(pre);
  read_ids_and_flags(metadata, definition);
  return std::make_shared<PipelineTokenizer>(std::move(definition));
}

std::shared_ptr<const Tokenizer> read_kind(const Metadata& metadata, const std::string& model) {
  if (model == "llama") return read_scores(metadata);
  if (model == "t5") return read_unigram(metadata);
  if (model == "bert") return read_word_piece(metadata);
  if (model == "gemma4")
    return read_whole_characters(metadata, *find_named_patterns("gemma4"), "gemma4");
  if (model == "gpt2") {
    const NamedPatterns& named = patterns_of(metadata);
    if (named.whole_characters)
      return read_whole_characters(metadata, named, metadata.get_string(kPre, ""));
    return read_byte_level(metadata, named);
  }
  throw Error(ErrorCode::kUnsupported, metadata.where(),
              "its tokenizer is of the kind '" + model + "'",
              "known ones: gpt2, llama, t5, bert, gemma4");
}

}  // namespace

GgufTokenizer read_gguf_tokenizer(const Metadata& metadata) {
  GgufTokenizer result;
  result.chat_template = metadata.get_string(kChatTemplate, "");
  const std::string model = metadata.get_string(kModel, "no_vocab");
  if (model == "no_vocab" || model == "none") return result;
  try {
    if (metadata.contains(kHuggingFaceJson)) {
      result.tokenizer =
          parse_any_tokenizer_json(metadata.get_string(kHuggingFaceJson), metadata.where());
    } else {
      result.tokenizer = read_kind(metadata, model);
    }
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(metadata.where())) throw;
    throw Error(error.code(), metadata.where(), what);
  }
  result.end_ids = find_end_ids(metadata, read_texts(metadata), result.tokenizer->end_id());
  return result;
}

}  // namespace onmal
