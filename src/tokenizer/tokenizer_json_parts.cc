#include "tokenizer/tokenizer_json_parts.h"

#include "tokenizer/byte_level.h"
#include "tokenizer/marked_space.h"
#include "tokenizer/subword_model.h"

namespace onmal {
namespace {

using namespace json_reading;

std::string replace_all(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string result;
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + from.size())) {
    result.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  return result.append(text, done);
}

void read_template(const Json& node, TextRules& rules, const std::string& where) {
  const Json& single = member(node, "single", where);
  const Json& specials = member(node, "special_tokens", where);
  if (!single.is_array()) refuse(where, "'single' is not a list");
  bool behind = false;
  for (const Json& part : single) {
    if (is_given(part, "Sequence")) {
      if (behind) unsupported(where, "a template with the text twice");
      behind = true;
      continue;
    }
    const std::string name = text_of(member(part, "SpecialToken", where), "id", where);
    const Json& ids = member(member(specials, name.c_str(), where), "ids", where);
    if (!ids.is_array()) refuse(where, "'ids' is not a list");
    std::vector<int32_t>& place = behind ? rules.suffix : rules.prefix;
    for (const Json& id : ids) place.push_back(id_of(id, "'" + name + "'", where));
  }
}

// ["</s>", 2]
int32_t read_token_pair(const Json& node, const char* key, const std::string& where) {
  const Json& pair = member(node, key, where);
  if (!pair.is_array() || pair.size() != 2) refuse(where, std::string("'") + key + "' is no pair");
  return id_of(pair[1], std::string("'") + key + "'", where);
}

void read_processor(const Json& node, TextRules& rules, const std::string& where) {
  const std::string type = text_of(node, "type", where);
  if (type == "Sequence") {
    const Json& parts = member(node, "processors", where);
    if (!parts.is_array()) refuse(where, "'processors' is not a list");
    for (const Json& part : parts) read_processor(part, rules, where);
  } else if (type == "TemplateProcessing") {
    read_template(node, rules, where);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    rules.prefix.push_back(read_token_pair(node, "cls", where));
    rules.suffix.push_back(read_token_pair(node, "sep", where));
  } else if (type != "ByteLevel") {
    unsupported(where, "unknown post-processor '" + type + "'");
  }
}

void read_decoder_step(const Json& node, JsonDecoder& decoder, const std::string& where) {
  const std::string type = text_of(node, "type", where);
  if (type == "Sequence") {
    const Json& parts = member(node, "decoders", where);
    if (!parts.is_array()) refuse(where, "'decoders' is not a list");
    for (const Json& part : parts) read_decoder_step(part, decoder, where);
  } else if (type == "ByteLevel") {
    decoder.byte_level = true;
  } else if (type == "ByteFallback") {
    decoder.byte_fallback = true;
  } else if (type == "Metaspace") {
    decoder.replacements.emplace_back(
        text_or(node, "replacement", std::string(kMarkedSpace), where), " ");
    const bool prepends = flag_or(node, "add_prefix_space", true, where);
    decoder.trim_space =
        text_or(node, "prepend_scheme", prepends ? "always" : "never", where) != "never";
  } else if (type == "Replace") {
    const Json& pattern = member(node, "pattern", where);
    if (!is_given(pattern, "String")) unsupported(where, "a decoder that replaces a pattern");
    decoder.replacements.emplace_back(text_of(pattern, "String", where),
                                      text_of(node, "content", where));
  } else if (type == "Strip") {
    decoder.trim_space = decoder.trim_space || (text_or(node, "content", " ", where) == " " &&
                                                integer_or(node, "start", 0, where) > 0);
  } else if (type == "WordPiece") {
    decoder.word_piece = decoder.trim_space = true;
    decoder.clean_up = flag_or(node, "cleanup", true, where);
  } else if (type == "BPEDecoder") {
    decoder.suffix = text_or(node, "suffix", "</w>", where);
  } else if (type != "Fuse" && type != "CTC") {
    unsupported(where, "unknown decoder '" + type + "'");
  }
}

}  // namespace

std::vector<AddedToken> read_json_added_tokens(const Json& document, const std::string& where) {
  std::vector<AddedToken> added;
  if (!is_given(document, "added_tokens")) return added;
  if (!document["added_tokens"].is_array()) refuse(where, "'added_tokens' is not a list");
  for (const Json& node : document["added_tokens"]) {
    AddedToken token;
    token.id = id_of(member(node, "id", where), "an added token", where);
    token.text = text_of(node, "content", where);
    token.special = flag_or(node, "special", true, where);
    token.strip_left = flag_or(node, "lstrip", false, where);
    token.strip_right = flag_or(node, "rstrip", false, where);
    token.single_word = flag_or(node, "single_word", false, where);
    token.normalized = flag_or(node, "normalized", !token.special, where);
    added.push_back(std::move(token));
  }
  return added;
}

void read_json_post_processor(const Json& document, TextRules& rules, const std::string& where) {
  if (is_given(document, "post_processor"))
    read_processor(document["post_processor"], rules, where);
}

JsonDecoder read_json_decoder(const Json& document, const std::string& where) {
  JsonDecoder decoder;
  if (is_given(document, "decoder")) read_decoder_step(document["decoder"], decoder, where);
  return decoder;
}

std::vector<std::string> JsonDecoder::pieces_of(const std::vector<std::string>& texts,
                                                const std::vector<TokenKind>& kinds) const {
  const ByteLevelAlphabet alphabet;
  std::vector<std::string> pieces;
  pieces.reserve(texts.size());
  for (size_t id = 0; id < texts.size(); ++id) {
    const int byte = kinds[id] == TokenKind::kByte ? byte_of_token(texts[id]) : -1;
    if (byte >= 0) {
      pieces.emplace_back(1, static_cast<char>(byte));
      continue;
    }
    std::string piece = texts[id];
    std::string bytes;
    if (byte_level && kinds[id] == TokenKind::kNormal && alphabet.read(piece, bytes)) piece = bytes;
    if (word_piece) piece = replace_all(piece, std::string(kMarkedSpace), " ");
    for (const auto& [from, to] : replacements) piece = replace_all(piece, from, to);
    if (!suffix.empty()) piece = replace_all(piece, suffix, " ");
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace onmal
