#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

OrderedJson write_added_tokens(const BpeDefinition& definition) {
  std::vector<AddedToken> added = definition.rules.added;
  for (const int32_t id : definition.special_ids) {
    const bool there = std::any_of(added.begin(), added.end(),
                                   [&](const AddedToken& token) { return token.id == id; });
    if (there) continue;
    AddedToken token;
    token.id = id;
    token.text = definition.pieces[static_cast<size_t>(id)];
    added.push_back(std::move(token));
  }
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  OrderedJson list = OrderedJson::array();
  for (const AddedToken& token : added) {
    list.push_back({{"id", token.id},
                    {"content", token.text},
                    {"single_word", token.single_word},
                    {"lstrip", token.strip_left},
                    {"rstrip", token.strip_right},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  }
  return list;
}

// The tokens around a text; null when there are none.
OrderedJson write_post_processor(const BpeDefinition& definition) {
  std::vector<int32_t> prefix = definition.rules.prefix;
  std::vector<int32_t> suffix = definition.rules.suffix;
  if (prefix.empty() && definition.add_begin && definition.begin_id >= 0)
    prefix.push_back(definition.begin_id);
  if (suffix.empty() && definition.add_end && definition.end_id >= 0)
    suffix.push_back(definition.end_id);
  if (prefix.empty() && suffix.empty()) return nullptr;
  OrderedJson specials = OrderedJson::object();
  const auto append = [&](const std::vector<int32_t>& ids, OrderedJson& list) {
    for (const int32_t id : ids) {
      const std::string& text = definition.pieces[static_cast<size_t>(id)];
      list.push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
      specials[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
    }
  };
  OrderedJson single = OrderedJson::array();
  append(prefix, single);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  append(suffix, single);
  OrderedJson pair = single;
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 0}}}});
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", specials}};
}

OrderedJson write_pretokenizer(const BpeDefinition& definition) {
  const std::vector<std::string> patterns = Pretokenizer(definition.pretokenizer).patterns();
  if (patterns.empty()) {
    throw Error(
        ErrorCode::kUnsupported, "tokenizer",
        "the pre-tokenizer '" + definition.pretokenizer + "' has no form in tokenizer.json");
  }
  OrderedJson parts = OrderedJson::array();
  for (const std::string& pattern : patterns) {
    parts.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  parts.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", parts}};
}

}  // namespace

std::string write_tokenizer_json(const BpeDefinition& definition) {
  // Read from such a file, and more than the fields below can say.
  if (!definition.hugging_face_json.empty()) return definition.hugging_face_json;
  const ByteLevelAlphabet alphabet;
  OrderedJson document;
  document["version"] = "1.0";
  document["truncation"] = nullptr;
  document["padding"] = nullptr;
  document["added_tokens"] = write_added_tokens(definition);
  std::vector<int32_t> special = definition.special_ids;
  std::sort(special.begin(), special.end());
  document["normalizer"] = nullptr;
  document["pre_tokenizer"] = write_pretokenizer(definition);
  document["post_processor"] = write_post_processor(definition);
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
  model["ignore_merges"] = definition.ignore_merges;
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
