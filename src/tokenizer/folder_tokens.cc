#include "tokenizer/folder_tokens.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "tokenizer/json_reading.h"

namespace onmal {
namespace {

using json_reading::Json;

int32_t id_of_key(const std::string& key, const std::string& where) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error != std::errc() || end != key.data() + key.size())
    json_reading::refuse(where, "'" + key + "' in added_tokens_decoder is not an id");
  return json_reading::id_of(Json(id), "an added token", where);
}

AddedToken read_token(int32_t id, const Json& value, const std::string& where) {
  AddedToken token;
  token.id = id;
  token.text = json_reading::text_of(value, "content", where);
  token.special = json_reading::flag_or(value, "special", false, where);
  token.strip_left = json_reading::flag_or(value, "lstrip", false, where);
  token.strip_right = json_reading::flag_or(value, "rstrip", false, where);
  token.single_word = json_reading::flag_or(value, "single_word", false, where);
  // Tokens of a tokenizer.model are looked for in the text as it is, whatever this file says.
  return token;
}

void put(AddedToken token, const std::string& where, std::vector<AddedToken>& tokens) {
  if (token.text.empty()) json_reading::refuse(where, "an added token is empty");
  const auto same = std::find_if(tokens.begin(), tokens.end(),
                                 [&](const AddedToken& other) { return other.id == token.id; });
  if (same == tokens.end()) {
    tokens.push_back(std::move(token));
  } else {
    *same = std::move(token);
  }
}

// Older folders: {"<text>": id}.
void read_added_tokens(const std::filesystem::path& path, FolderTokens& result) {
  const std::string where = path.string();
  const Json document = json_reading::parse_limited(read_file(path), where);
  if (!document.is_object()) json_reading::refuse(where, "is not an object");
  for (const auto& [text, id] : document.items()) {
    AddedToken token;
    token.text = text;
    token.id = json_reading::id_of(id, "an added token", where);
    put(std::move(token), where, result.added);
  }
}

void read_config(const std::filesystem::path& path, FolderTokens& result) {
  const std::string where = path.string();
  const Json config = json_reading::parse_limited(read_file(path), where);
  if (!config.is_object()) json_reading::refuse(where, "is not an object");
  const std::string kind = json_reading::text_or(config, "tokenizer_class", "", where);
  if (kind.starts_with("Llama") || kind.starts_with("CodeLlama") || kind.starts_with("Gemma"))
    result.begin = true;
  if (kind.starts_with("T5")) result.end = true;
  const auto say = [&](const char* key, std::optional<bool>& flag) {
    if (json_reading::is_given(config, key))
      flag = json_reading::flag_or(config, key, false, where);
  };
  say("add_bos_token", result.begin);
  say("add_eos_token", result.end);
  if (!json_reading::is_given(config, "added_tokens_decoder")) return;
  const Json& added = config["added_tokens_decoder"];
  if (!added.is_object()) json_reading::refuse(where, "'added_tokens_decoder' is not an object");
  for (const auto& [key, value] : added.items())
    put(read_token(id_of_key(key, where), value, where), where, result.added);
}

void put_around(std::optional<bool> wanted, int32_t id, bool& flag, std::vector<int32_t>& around) {
  if (!wanted) return;
  std::erase(around, id);
  flag = *wanted && id >= 0;
  if (flag) around.push_back(id);
}

}  // namespace

FolderTokens read_folder_tokens(const std::filesystem::path& folder) {
  FolderTokens result;
  if (std::filesystem::exists(folder / "added_tokens.json"))
    read_added_tokens(folder / "added_tokens.json", result);
  if (std::filesystem::exists(folder / "tokenizer_config.json"))
    read_config(folder / "tokenizer_config.json", result);
  return result;
}

void add_folder_tokens(const FolderTokens& tokens, PipelineDefinition& definition) {
  SubwordDefinition& model = definition.model;
  for (const AddedToken& token : tokens.added) {
    const auto id = static_cast<size_t>(token.id);
    while (definition.pieces.size() <= id) {
      const std::string nothing = "[unused " + std::to_string(definition.pieces.size()) + "]";
      model.texts.push_back(nothing);
      model.scores.push_back(0);
      model.kinds.push_back(TokenKind::kUnused);
      definition.pieces.push_back(nothing);
    }
    // A piece of the model keeps its kind; a new one is known to nobody but the splitter.
    if (model.kinds[id] == TokenKind::kUnused) {
      if (token.special) model.kinds[id] = TokenKind::kControl;
      model.texts[id] = definition.pieces[id] = token.text;
    }
    std::erase_if(definition.rules.added,
                  [&](const AddedToken& other) { return other.id == token.id; });
    definition.rules.added.push_back(token);
  }
  put_around(tokens.begin, definition.begin_id, definition.add_begin, definition.rules.prefix);
  put_around(tokens.end, definition.end_id, definition.add_end, definition.rules.suffix);
}

}  // namespace onmal
