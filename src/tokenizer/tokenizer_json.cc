#include "tokenizer/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "text/utf8.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/json_reading.h"
#include "tokenizer/marked_space.h"
#include "tokenizer/named_patterns.h"
#include "tokenizer/pipeline_tokenizer.h"
#include "tokenizer/tokenizer_json_parts.h"
#include "tokenizer/tokenizer_json_steps.h"

namespace onmal {
namespace {

using namespace json_reading;

constexpr uint64_t kMostJsonBytes = uint64_t{256} << 20;

// What every kind of model is put together from.
struct Parts {
  std::string where;
  std::string_view source;
  const Json& document;
  const Json& model;
  std::vector<AddedToken> added;
  JsonNormalizer normalizer;
  JsonPretokenizer pretokenizer;
  JsonDecoder decoder;
  TextRules rules;
};

void put_text(std::vector<std::string>& texts, int32_t id, const std::string& text) {
  if (static_cast<size_t>(id) >= texts.size()) texts.resize(static_cast<size_t>(id) + 1);
  texts[static_cast<size_t>(id)] = text;
}

std::vector<std::string> read_vocabulary(const Json& vocabulary, const std::string& where) {
  if (!vocabulary.is_object()) refuse(where, "'vocab' is not an object");
  std::vector<std::string> texts;
  for (const auto& [text, id] : vocabulary.items())
    put_text(texts, id_of(id, "'" + text + "'", where), text);
  return texts;
}

std::vector<std::pair<int32_t, int32_t>> read_merges(const Json& merges,
                                                     const std::vector<std::string>& texts,
                                                     const std::string& where) {
  if (!merges.is_array()) refuse(where, "'merges' is not a list");
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t id = 0; id < texts.size(); ++id) ids.emplace(texts[id], static_cast<int32_t>(id));
  const auto id_of_text = [&](std::string_view text) {
    const auto found = ids.find(text);
    if (found == ids.end()) {
      refuse(where, "a merge names '" + std::string(text.substr(0, 100)) +
                        "', which is not in the vocabulary");
    }
    return found->second;
  };
  std::vector<std::pair<int32_t, int32_t>> pairs;
  pairs.reserve(merges.size());
  for (const Json& merge : merges) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      pairs.emplace_back(id_of_text(merge[0].get_ref<const std::string&>()),
                         id_of_text(merge[1].get_ref<const std::string&>()));
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const size_t space = text.find(' ');
    if (space == std::string::npos) refuse(where, "a merge is not a pair");
    pairs.emplace_back(id_of_text(std::string_view(text).substr(0, space)),
                       id_of_text(std::string_view(text).substr(space + 1)));
  }
  return pairs;
}

int32_t find_text(const std::vector<std::string>& texts, const std::string& text) {
  if (text.empty()) return -1;
  const auto found = std::find(texts.begin(), texts.end(), text);
  return found == texts.end() ? -1 : static_cast<int32_t>(found - texts.begin());
}

// The added token with one of these texts; -1 when there is none.
int32_t find_added(const std::vector<AddedToken>& added,
                   std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    for (const AddedToken& token : added) {
      if (token.text == text) return token.id;
    }
  }
  return -1;
}

template <typename Definition>
void find_special_ids(const Parts& parts, Definition& definition) {
  definition.begin_id = find_added(
      parts.added, {"<|begin_of_text|>", "<bos>", "<s>", "[CLS]", "<|startoftext|>", "[BOS]"});
  definition.end_id =
      find_added(parts.added, {"<|endoftext|>", "<|end_of_text|>", "<eos>", "</s>", "[EOS]"});
  definition.pad_id = find_added(parts.added, {"<|pad|>", "<pad>", "[PAD]"});
  definition.separator_id = find_added(parts.added, {"[SEP]"});
  const auto& prefix = parts.rules.prefix;
  definition.add_begin =
      std::find(prefix.begin(), prefix.end(), definition.begin_id) != prefix.end();
  // A token that the file does not put before texts is none to begin them with.
  if (!definition.add_begin) definition.begin_id = -1;
}

bool has_every_byte(const std::vector<std::string>& pieces) {
  std::array<bool, 256> there{};
  for (const std::string& piece : pieces) {
    if (piece.size() == 1) there[static_cast<uint8_t>(piece[0])] = true;
  }
  return std::find(there.begin(), there.end(), false) == there.end();
}

std::unique_ptr<Tokenizer> make_byte_level(Parts& parts) {
  const ByteLevelAlphabet alphabet;
  BpeDefinition definition;
  const std::vector<std::string> texts =
      read_vocabulary(member(parts.model, "vocab", parts.where), parts.where);
  definition.merges = read_merges(member(parts.model, "merges", parts.where), texts, parts.where);
  for (const std::string& text : texts) {
    std::string bytes;
    // A text outside the alphabet is a special token listed with the others.
    definition.pieces.push_back(alphabet.read(text, bytes) ? std::move(bytes) : text);
  }
  for (const AddedToken& token : parts.added) {
    put_text(definition.pieces, token.id, token.text);
    if (token.special) definition.special_ids.push_back(token.id);
  }
  definition.partial_alphabet = !has_every_byte(definition.pieces);
  definition.unknown_id = find_text(texts, text_or(parts.model, "unk_token", "", parts.where));
  definition.ignore_merges = flag_or(parts.model, "ignore_merges", false, parts.where);
  find_special_ids(parts, definition);
  const std::string name = parts.pretokenizer.plain && parts.normalizer.normalizer.empty()
                               ? Pretokenizer::name_of_patterns(parts.pretokenizer.patterns)
                               : "";
  definition.has_steps = name.empty();
  definition.pretokenizer = name.empty() ? "default" : name;
  definition.pretokenizer_steps = parts.pretokenizer.steps;
  definition.mapped_text = parts.pretokenizer.mapped || parts.normalizer.byte_level;
  definition.rules = std::move(parts.rules);
  definition.rules.added = std::move(parts.added);
  // Only what GGUF's keys cannot say needs the file itself.
  const NamedPatterns* named = find_named_patterns(name);
  const bool plain = named != nullptr && named->ignore_merges == definition.ignore_merges &&
                     definition.unknown_id < 0;
  if (!plain) definition.hugging_face_json = parts.source;
  return std::make_unique<BpeTokenizer>(std::move(definition));
}

std::unique_ptr<Tokenizer> make_pipeline(Parts& parts, PipelineDefinition definition) {
  std::vector<std::string>& texts = definition.model.texts;
  for (const AddedToken& token : parts.added) put_text(texts, token.id, token.text);
  definition.model.kinds.assign(texts.size(), TokenKind::kNormal);
  definition.model.scores.resize(texts.size(), 0.0);
  if (definition.model.unknown_id >= 0)
    definition.model.kinds[static_cast<size_t>(definition.model.unknown_id)] = TokenKind::kUnknown;
  for (size_t id = 0; id < texts.size(); ++id) {
    if (parts.decoder.byte_fallback && byte_of_token(texts[id]) >= 0)
      definition.model.kinds[id] = TokenKind::kByte;
  }
  for (const AddedToken& token : parts.added) {
    TokenKind& kind = definition.model.kinds[static_cast<size_t>(token.id)];
    if (kind != TokenKind::kUnknown)
      kind = token.special ? TokenKind::kControl : TokenKind::kUserDefined;
  }
  find_special_ids(parts, definition);
  definition.mask_id = find_added(parts.added, {"[MASK]", "<mask>"});
  definition.pieces = parts.decoder.pieces_of(texts, definition.model.kinds);
  definition.trim_space = parts.decoder.trim_space;
  definition.clean_up = parts.decoder.clean_up;
  definition.spaces.add_prefix = parts.pretokenizer.add_prefix || parts.normalizer.add_prefix;
  definition.charsmap = parts.normalizer.charsmap;
  definition.lowercase = parts.normalizer.lowercase;
  definition.strip_accents = parts.normalizer.strip_accents;
  definition.rules = std::move(parts.rules);
  definition.rules.added = std::move(parts.added);
  definition.pretokenizer = Pretokenizer(std::move(parts.pretokenizer.steps));
  definition.hugging_face_json = parts.source;
  return std::make_unique<PipelineTokenizer>(std::move(definition));
}

std::unique_ptr<Tokenizer> make_merges(Parts& parts) {
  PipelineDefinition definition;
  definition.kind = SubwordKind::kMerges;
  SubwordDefinition& model = definition.model;
  model.texts = read_vocabulary(member(parts.model, "vocab", parts.where), parts.where);
  model.merges = read_merges(member(parts.model, "merges", parts.where), model.texts, parts.where);
  model.unknown_id = find_text(model.texts, text_or(parts.model, "unk_token", "", parts.where));
  model.fuse_unknown = flag_or(parts.model, "fuse_unk", false, parts.where);
  model.byte_fallback = flag_or(parts.model, "byte_fallback", false, parts.where);
  model.ignore_merges = flag_or(parts.model, "ignore_merges", false, parts.where);
  model.prefix = text_or(parts.model, "continuing_subword_prefix", "", parts.where);
  model.suffix = text_or(parts.model, "end_of_word_suffix", "", parts.where);
  return make_pipeline(parts, std::move(definition));
}

std::unique_ptr<Tokenizer> make_unigram(Parts& parts) {
  PipelineDefinition definition;
  definition.kind = SubwordKind::kUnigram;
  SubwordDefinition& model = definition.model;
  const Json& vocabulary = member(parts.model, "vocab", parts.where);
  if (!vocabulary.is_array()) refuse(parts.where, "'vocab' is not a list");
  for (const Json& entry : vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
      refuse(parts.where, "an entry of 'vocab' is not a text and a score");
    model.texts.push_back(entry[0].get<std::string>());
    model.scores.push_back(entry[1].get<double>());
  }
  const int64_t unknown = integer_or(parts.model, "unk_id", -1, parts.where);
  if (unknown >= static_cast<int64_t>(model.texts.size()) || unknown < -1)
    refuse(parts.where, "'unk_id' is outside the vocabulary");
  model.unknown_id = static_cast<int32_t>(unknown);
  model.byte_fallback = flag_or(parts.model, "byte_fallback", false, parts.where);
  model.all_normal = true;
  return make_pipeline(parts, std::move(definition));
}

std::unique_ptr<Tokenizer> make_word_piece(Parts& parts) {
  PipelineDefinition definition;
  definition.kind = SubwordKind::kWordPiece;
  SubwordDefinition& model = definition.model;
  model.texts = read_vocabulary(member(parts.model, "vocab", parts.where), parts.where);
  model.unknown_id =
      find_text(model.texts, text_or(parts.model, "unk_token", "[UNK]", parts.where));
  const int64_t most = integer_or(parts.model, "max_input_chars_per_word", 100, parts.where);
  model.most_characters = most < 0 ? 0 : static_cast<size_t>(most);
  const std::string prefix = text_or(parts.model, "continuing_subword_prefix", "##", parts.where);
  if (prefix.empty()) unsupported(parts.where, "WordPiece without a prefix for continuations");
  // As GGUF writes them: what begins a word is marked, not what continues it.
  for (size_t id = 0; id < model.texts.size(); ++id) {
    std::string& text = model.texts[id];
    if (text.empty()) continue;
    text = text.starts_with(prefix) && text.size() > prefix.size()
               ? text.substr(prefix.size())
               : std::string(kMarkedSpace) + text;
  }
  return make_pipeline(parts, std::move(definition));
}

std::unique_ptr<Tokenizer> make_words(Parts& parts) {
  PipelineDefinition definition;
  definition.kind = SubwordKind::kWords;
  definition.model.texts = read_vocabulary(member(parts.model, "vocab", parts.where), parts.where);
  definition.model.unknown_id =
      find_text(definition.model.texts, text_or(parts.model, "unk_token", "", parts.where));
  return make_pipeline(parts, std::move(definition));
}

}  // namespace

std::unique_ptr<Tokenizer> parse_any_tokenizer_json(std::string_view json,
                                                    const std::string& where) {
  const Json document = parse_limited(json, where);
  const Json& model = member(document, "model", where);
  const std::string type =
      text_or(model, "type", model.is_object() && model.contains("merges") ? "BPE" : "", where);
  Parts parts{where, json, document, model, {}, {}, {}, {}, {}};
  parts.added = read_json_added_tokens(document, where);
  parts.normalizer = read_json_normalizer(document, where);
  parts.pretokenizer = read_json_pretokenizer(document, where);
  parts.decoder = read_json_decoder(document, where);
  parts.rules.order = AddedOrder::kLeftmost;
  parts.rules.normalizer = parts.normalizer.normalizer;
  read_json_post_processor(document, parts.rules, where);
  const bool byte_level = parts.pretokenizer.byte_level || parts.normalizer.byte_level;
  if (type == "BPE") return byte_level ? make_byte_level(parts) : make_merges(parts);
  if (type == "Unigram") return make_unigram(parts);
  if (type == "WordPiece") return make_word_piece(parts);
  if (type == "WordLevel") return make_words(parts);
  unsupported(where, "unknown tokenizer model '" + type + "'");
}

std::unique_ptr<BpeTokenizer> parse_tokenizer_json(std::string_view json,
                                                   const std::string& where) {
  std::unique_ptr<Tokenizer> any = parse_any_tokenizer_json(json, where);
  auto* bpe = dynamic_cast<BpeTokenizer*>(any.get());
  if (bpe == nullptr) unsupported(where, "the tokenizer is not byte-level BPE");
  any.release();
  return std::unique_ptr<BpeTokenizer>(bpe);
}

std::unique_ptr<Tokenizer> load_any_tokenizer_json(const std::filesystem::path& path) {
  return parse_any_tokenizer_json(read_file(path, kMostJsonBytes), path.string());
}

std::unique_ptr<BpeTokenizer> load_tokenizer_json(const std::filesystem::path& path) {
  return parse_tokenizer_json(read_file(path, kMostJsonBytes), path.string());
}

}  // namespace onmal
