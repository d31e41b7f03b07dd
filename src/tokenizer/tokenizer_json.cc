#include "tokenizer/tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "text/utf8.h"
#include "tokenizer/byte_level.h"

namespace onmal {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr uint64_t kMostBytes = uint64_t{256} << 20;
constexpr int kMostDepth = 32;
constexpr int64_t kMostIds = int64_t{1} << 24;

[[noreturn]] void refuse(const std::string& where, const std::string& what,
                         const std::string& hint = "") {
  throw Error(ErrorCode::kBadFile, where, what, hint);
}

Json parse_limited(std::string_view text, const std::string& where) {
  if (text.size() > kMostBytes) refuse(where, "is larger than 256 MB");
  const Json::parser_callback_t limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) refuse(where, "is nested too deep");
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const Json::exception& error) {
    refuse(where, std::string("is not JSON: ") + error.what());
  }
}

const Json& member(const Json& object, const char* key, const std::string& where) {
  if (!object.is_object() || !object.contains(key))
    refuse(where, std::string("has no '") + key + "'");
  return object[key];
}

std::string text_of(const Json& object, const char* key, const std::string& where) {
  const Json& value = member(object, key, where);
  if (!value.is_string()) refuse(where, std::string("'") + key + "' is not a string");
  return value.get<std::string>();
}

void read_vocabulary(const Json& vocabulary, const ByteLevelAlphabet& alphabet,
                     BpeDefinition& definition, const std::string& where) {
  if (!vocabulary.is_object()) refuse(where, "'vocab' is not an object");
  for (const auto& [text, id_value] : vocabulary.items()) {
    if (!id_value.is_number_integer()) refuse(where, "the id of '" + text + "' is not an integer");
    const auto id = id_value.get<int64_t>();
    if (id < 0 || id >= kMostIds) refuse(where, "the id of '" + text + "' is out of range");
    if (static_cast<size_t>(id) >= definition.pieces.size())
      definition.pieces.resize(static_cast<size_t>(id) + 1);
    std::string bytes;
    if (!alphabet.read(text, bytes)) bytes = text;  // a special token listed with the others
    definition.pieces[static_cast<size_t>(id)] = bytes;
  }
}

void read_added_tokens(const Json& document, BpeDefinition& definition, const std::string& where) {
  if (!document.contains("added_tokens") || document["added_tokens"].is_null()) return;
  if (!document["added_tokens"].is_array()) refuse(where, "'added_tokens' is not a list");
  for (const Json& token : document["added_tokens"]) {
    const Json& id_value = member(token, "id", where);
    const auto id = id_value.is_number_integer() ? id_value.get<int64_t>() : -1;
    if (id < 0 || id >= kMostIds) refuse(where, "an added token's id is out of range");
    if (static_cast<size_t>(id) >= definition.pieces.size())
      definition.pieces.resize(static_cast<size_t>(id) + 1);
    definition.pieces[static_cast<size_t>(id)] = text_of(token, "content", where);
    definition.special_ids.push_back(static_cast<int32_t>(id));
  }
}

void read_merges(const Json& merges, const ByteLevelAlphabet& alphabet, BpeDefinition& definition,
                 const std::string& where) {
  if (!merges.is_array()) refuse(where, "'merges' is not a list");
  std::unordered_map<std::string, int32_t> ids;
  for (size_t id = 0; id < definition.pieces.size(); ++id)
    ids.emplace(definition.pieces[id], static_cast<int32_t>(id));
  const auto id_of = [&](const std::string& text) {
    std::string bytes;
    const auto found = alphabet.read(text, bytes) ? ids.find(bytes) : ids.end();
    if (found == ids.end())
      refuse(where, "a merge names '" + text + "', which is not in the vocabulary");
    return found->second;
  };
  for (const Json& merge : merges) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      definition.merges.emplace_back(id_of(merge[0].get<std::string>()),
                                     id_of(merge[1].get<std::string>()));
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const size_t space = text.find(' ');
    if (space == std::string::npos) refuse(where, "a merge is not a pair");
    definition.merges.emplace_back(id_of(text.substr(0, space)), id_of(text.substr(space + 1)));
  }
}

// Collects the Split patterns of a (sequence of) pre-tokenizers; sets `gpt2` for a ByteLevel that
// splits by itself.
void collect_patterns(const Json& node, std::vector<std::string>& patterns, bool& gpt2,
                      const std::string& where) {
  const std::string type = text_of(node, "type", where);
  if (type == "Sequence") {
    for (const Json& part : member(node, "pretokenizers", where))
      collect_patterns(part, patterns, gpt2, where);
  } else if (type == "Split") {
    patterns.push_back(text_of(member(node, "pattern", where), "Regex", where));
  } else if (type == "ByteLevel") {
    if (node.value("add_prefix_space", false)) {
      throw Error(ErrorCode::kUnsupported, where,
                  "the pre-tokenizer adds a space in front of every text");
    }
    gpt2 = node.value("use_regex", true);
  } else {
    throw Error(ErrorCode::kUnsupported, where, "unknown pre-tokenizer '" + type + "'");
  }
}

std::string pretokenizer_name(const Json& document, const std::string& where) {
  std::vector<std::string> patterns;
  bool gpt2 = false;
  collect_patterns(member(document, "pre_tokenizer", where), patterns, gpt2, where);
  if (patterns.empty() && gpt2) return "gpt-2";
  const std::string name = Pretokenizer::name_of_patterns(patterns);
  if (!name.empty()) return name;
  throw Error(ErrorCode::kUnsupported, where,
              "unknown pre-tokenizer pattern '" + (patterns.empty() ? "" : patterns[0]) + "'");
}

}  // namespace

std::unique_ptr<BpeTokenizer> parse_tokenizer_json(std::string_view json,
                                                   const std::string& where) {
  const Json document = parse_limited(json, where);
  const Json& model = member(document, "model", where);
  if (const std::string type = text_of(model, "type", where); type != "BPE") {
    throw Error(ErrorCode::kUnsupported, where,
                "tokenizer model '" + type + "' is not byte-level BPE");
  }
  if (document.contains("normalizer") && !document["normalizer"].is_null()) {
    throw Error(ErrorCode::kUnsupported, where, "the tokenizer has a normaliser");
  }
  const ByteLevelAlphabet alphabet;
  BpeDefinition definition;
  definition.pretokenizer = pretokenizer_name(document, where);
  read_vocabulary(member(model, "vocab", where), alphabet, definition, where);
  read_merges(member(model, "merges", where), alphabet, definition, where);
  read_added_tokens(document, definition, where);
  for (const int32_t id : definition.special_ids) {
    const std::string& text = definition.pieces[static_cast<size_t>(id)];
    if (text == "<|endoftext|>") definition.end_id = id;
    if (text == "<|pad|>") definition.pad_id = id;
  }
  return std::make_unique<BpeTokenizer>(std::move(definition));
}

std::unique_ptr<BpeTokenizer> load_tokenizer_json(const std::filesystem::path& path) {
  return parse_tokenizer_json(read_file(path, kMostBytes), path.string());
}

std::string write_tokenizer_json(const BpeDefinition& definition) {
  const ByteLevelAlphabet alphabet;
  OrderedJson document;
  document["version"] = "1.0";
  document["truncation"] = nullptr;
  document["padding"] = nullptr;
  document["added_tokens"] = OrderedJson::array();
  std::vector<int32_t> special = definition.special_ids;
  std::sort(special.begin(), special.end());
  for (const int32_t id : special) {
    document["added_tokens"].push_back({{"id", id},
                                        {"content", definition.pieces[static_cast<size_t>(id)]},
                                        {"single_word", false},
                                        {"lstrip", false},
                                        {"rstrip", false},
                                        {"normalized", false},
                                        {"special", true}});
  }
  document["normalizer"] = nullptr;
  OrderedJson parts = OrderedJson::array();
  for (const std::string& pattern : Pretokenizer(definition.pretokenizer).patterns()) {
    parts.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  parts.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", false}});
  document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", parts}};
  document["post_processor"] = nullptr;
  document["decoder"] = {{"type", "ByteLevel"},
                         {"add_prefix_space", true},
                         {"trim_offsets", true},
                         {"use_regex", true}};
  OrderedJson model;
  model["type"] = "BPE";
  for (const char* unused :
       {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    model[unused] = nullptr;
  }
  for (const char* flag : {"fuse_unk", "byte_fallback", "ignore_merges"}) model[flag] = false;
  std::vector<std::string> written;
  written.reserve(definition.pieces.size());
  for (const std::string& piece : definition.pieces) written.push_back(alphabet.write(piece));
  // Written by hand: an ordered JSON object of n members takes n^2 time to build.
  std::string vocabulary = "{";
  for (size_t id = 0; id < written.size(); ++id) {
    if (std::binary_search(special.begin(), special.end(), static_cast<int32_t>(id))) continue;
    vocabulary += (vocabulary.size() > 1 ? ",\n" : "\n") + Json(written[id]).dump() + ": " +
                  std::to_string(id);
  }
  vocabulary += "\n}";
  constexpr std::string_view kPlace = "<vocabulary>";
  model["vocab"] = kPlace;
  model["merges"] = OrderedJson::array();
  for (const auto& [left, right] : definition.merges) {
    model["merges"].push_back(written[static_cast<size_t>(left)] + " " +
                              written[static_cast<size_t>(right)]);
  }
  document["model"] = std::move(model);
  std::string text = document.dump(1, ' ', false) + "\n";
  const std::string place = '"' + std::string(kPlace) + '"';
  return text.replace(text.find(place), place.size(), vocabulary);
}

}  // namespace onmal
