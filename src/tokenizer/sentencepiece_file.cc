#include "tokenizer/sentencepiece_file.h"

#include <bit>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "tokenizer/folder_tokens.h"
#include "tokenizer/pipeline_tokenizer.h"

namespace onmal {
namespace {

constexpr uint64_t kMostModelBytes = uint64_t{256} << 20;
constexpr size_t kMostModelPieces = size_t{1} << 24;

// One field of a message; a number where the wire type is one.
struct Field {
  uint32_t number;
  uint32_t type;
  uint64_t value = 0;
  std::string_view bytes;

  float as_float() const { return std::bit_cast<float>(static_cast<uint32_t>(value)); }
};

// The fields of a protocol buffer message, one after the other.
class Message {
 public:
  Message(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  std::optional<Field> next() {
    if (bytes_.empty()) return std::nullopt;
    const uint64_t key = varint();
    Field field{static_cast<uint32_t>(key >> 3), static_cast<uint32_t>(key & 7), 0, {}};
    switch (field.type) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2: {
        const uint64_t size = varint();
        if (size > bytes_.size()) refuse();
        field.bytes = bytes_.substr(0, static_cast<size_t>(size));
        bytes_.remove_prefix(static_cast<size_t>(size));
        break;
      }
      case 5:
        field.value = fixed(4);
        break;
      default:
        refuse();
    }
    return field;
  }

 private:
  [[noreturn]] void refuse() const {
    throw Error(ErrorCode::kBadFile, where_, "is not a SentencePiece model, or is cut");
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) refuse();
      const auto byte = static_cast<uint8_t>(bytes_[0]);
      bytes_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    refuse();
  }

  uint64_t fixed(size_t size) {
    if (bytes_.size() < size) refuse();
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i)
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes_[i])) << (8 * i);
    bytes_.remove_prefix(size);
    return value;
  }

  std::string_view bytes_;
  const std::string& where_;
};

// TrainerSpec and NormalizerSpec, as far as encoding asks for them.
struct Specs {
  uint64_t model_type = 1;  // unigram
  bool byte_fallback = false;
  bool whitespace_as_suffix = false;
  int64_t unknown_id = 0, begin_id = 1, end_id = 2, pad_id = -1;
  SpaceOptions spaces;
  std::string_view charsmap;
};

void read_piece(std::string_view bytes, const std::string& where, SubwordDefinition& model) {
  Message message(bytes, where);
  std::string text;
  double score = 0.0;
  uint64_t kind = 1;
  while (const auto field = message.next()) {
    if (field->number == 1 && field->type == 2) text = field->bytes;
    if (field->number == 2 && field->type == 5) score = static_cast<double>(field->as_float());
    if (field->number == 3 && field->type == 0) kind = field->value;
  }
  if (kind < 1 || kind > 6 || text.empty())
    throw Error(ErrorCode::kBadFile, where, "a piece has no text or an unknown kind");
  if (model.texts.size() >= kMostModelPieces)
    throw Error(ErrorCode::kBadFile, where, "has too many pieces");
  model.texts.push_back(std::move(text));
  model.scores.push_back(score);
  model.kinds.push_back(static_cast<TokenKind>(kind));
}

void read_trainer(std::string_view bytes, const std::string& where, Specs& specs) {
  Message message(bytes, where);
  while (const auto field = message.next()) {
    const auto id = static_cast<int64_t>(static_cast<int32_t>(field->value));
    switch (field->number) {
      case 3:
        specs.model_type = field->value;
        break;
      case 24:
        specs.whitespace_as_suffix = field->value != 0;
        break;
      case 35:
        specs.byte_fallback = field->value != 0;
        break;
      case 40:
        specs.unknown_id = id;
        break;
      case 41:
        specs.begin_id = id;
        break;
      case 42:
        specs.end_id = id;
        break;
      case 43:
        specs.pad_id = id;
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::string_view bytes, const std::string& where, Specs& specs) {
  Message message(bytes, where);
  while (const auto field = message.next()) {
    if (field->number == 2) specs.charsmap = field->bytes;
    if (field->number == 3) specs.spaces.add_prefix = field->value != 0;
    if (field->number == 4) specs.spaces.remove_extra = field->value != 0;
    if (field->number == 5) specs.spaces.escape = field->value != 0;
  }
}

int32_t known_id(int64_t id, size_t count) {
  return id >= 0 && static_cast<uint64_t>(id) < count ? static_cast<int32_t>(id) : -1;
}

SubwordKind kind_of(uint64_t model_type, const std::string& where) {
  constexpr uint64_t kUnigram = 1;
  constexpr uint64_t kBpe = 2;
  constexpr uint64_t kWord = 3;
  constexpr uint64_t kChar = 4;
  if (model_type == kUnigram) return SubwordKind::kUnigram;
  if (model_type == kBpe) return SubwordKind::kScores;
  if (model_type == kWord) return SubwordKind::kWords;
  if (model_type == kChar) return SubwordKind::kMerges;
  throw Error(ErrorCode::kUnsupported, where,
              "is a SentencePiece model of the unknown type " + std::to_string(model_type));
}

void add_tokens_and_normalizer(const Specs& specs, const std::string& where,
                               PipelineDefinition& definition) {
  const SubwordDefinition& model = definition.model;
  TokenTrie kept;
  for (size_t id = 0; id < model.texts.size(); ++id) {
    if (model.kinds[id] == TokenKind::kUserDefined)
      kept.insert(model.texts[id], static_cast<int32_t>(id));
    if (model.kinds[id] != TokenKind::kControl) continue;
    AddedToken token;
    token.id = static_cast<int32_t>(id);
    token.text = model.texts[id];
    definition.rules.added.push_back(std::move(token));
  }
  definition.spaces = specs.spaces;
  definition.spaces.as_suffix = specs.whitespace_as_suffix;
  if (!specs.charsmap.empty())
    definition.charsmap = std::make_shared<Charsmap>(specs.charsmap, where);
  definition.rules.normalizer.add(
      normalize_sentencepiece(definition.charsmap, definition.spaces, std::move(kept)));
  // Words keep the mark of the space before them.
  if (definition.kind == SubwordKind::kWords) {
    definition.pretokenizer =
        Pretokenizer({split_by(match_text("\xE2\x96\x81"), SplitBehavior::kMergedWithNext)});
  }
}

PipelineDefinition parse_sentencepiece_definition(std::string_view bytes,
                                                  const std::string& where) {
  PipelineDefinition definition;
  SubwordDefinition& model = definition.model;
  Specs specs;
  Message message(bytes, where);
  while (const auto field = message.next()) {
    if (field->type != 2) continue;
    if (field->number == 1) read_piece(field->bytes, where, model);
    if (field->number == 2) read_trainer(field->bytes, where, specs);
    if (field->number == 3) read_normalizer(field->bytes, where, specs);
  }
  if (model.texts.empty()) throw Error(ErrorCode::kBadFile, where, "holds no pieces");
  const size_t count = model.texts.size();
  definition.kind = kind_of(specs.model_type, where);
  for (size_t id = 0; id < count; ++id) {
    if (model.kinds[id] == TokenKind::kUnknown) model.unknown_id = static_cast<int32_t>(id);
  }
  if (model.unknown_id < 0)
    throw Error(ErrorCode::kBadFile, where, "has no piece for unknown text");
  model.byte_fallback = specs.byte_fallback;
  model.single_precision = true;
  model.like_sentencepiece = true;
  definition.begin_id = known_id(specs.begin_id, count);
  definition.end_id = known_id(specs.end_id, count);
  definition.pad_id = known_id(specs.pad_id, count);
  definition.trim_space = specs.spaces.add_prefix && !specs.whitespace_as_suffix;
  definition.pieces = pieces_of_texts(model.texts, model.kinds);
  add_tokens_and_normalizer(specs, where, definition);
  return definition;
}

}  // namespace

std::unique_ptr<Tokenizer> parse_sentencepiece(std::string_view bytes, const std::string& where) {
  return std::make_unique<PipelineTokenizer>(parse_sentencepiece_definition(bytes, where));
}

std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& path) {
  PipelineDefinition definition =
      parse_sentencepiece_definition(read_file(path, kMostModelBytes), path.string());
  add_folder_tokens(read_folder_tokens(path.parent_path()), definition);
  return std::make_unique<PipelineTokenizer>(std::move(definition));
}

}  // namespace onmal
