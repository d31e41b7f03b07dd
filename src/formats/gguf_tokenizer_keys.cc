#include "formats/gguf_tokenizer_keys.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

namespace onmal::gguf_tokenizer {
namespace {

// Texts that end an answer whatever the metadata say, as in llama.cpp.
constexpr std::array<std::string_view, 22> kEndTexts = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "[e~[",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
};

// Always shown in the text of an answer, so not control tokens.
constexpr std::array<std::string_view, 4> kShownTexts = {"<|channel|>", "<|message|>", "<|start|>",
                                                         "<|constrain|>"};

template <size_t kCount>
bool is_one_of(std::string_view text, const std::array<std::string_view, kCount>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

struct EndTexts {
  bool without_end = false;       // "<|end|>" only separates messages here
  bool without_sentence = false;  // "</s>" is plain text here
};

EndTexts exceptions(std::span<const std::string> texts) {
  const auto has = [&](std::string_view text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
  };
  const bool calls = has("<|call|>") || has("<|calls|>");
  return {calls && (has("<|return|>") || has("<|flush|>")), has("<|tool_response>")};
}

bool ends_answer(std::string_view text, const EndTexts& except) {
  if (text == "<|end|>" && except.without_end) return false;
  if (text == "</s>" && except.without_sentence) return false;
  return is_one_of(text, kEndTexts);
}

std::string lowercase_ascii(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

void set_strip_rules(const Metadata& metadata, std::vector<AddedToken>& added) {
  const std::string name = lowercase_ascii(metadata.get_string("general.name", ""));
  const std::string pre = metadata.get_string(kPre, "");
  const std::string architecture = metadata.get_string("general.architecture", "");
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  const bool jina = has(pre, "jina-v2-de") || has(pre, "jina-v2-es") || has(pre, "jina-v2-code") ||
                    has(architecture, "nomic-bert-moe") || has(architecture, "jina-bert-v3");
  const bool phi3 = !jina && (has(name, "phi-3") || has(name, "phi3"));
  const bool modern_bert = !jina && !phi3 && has(name, "modern-bert");
  for (AddedToken& token : added) {
    token.strip_left = (jina && token.text == "<mask>") || (modern_bert && token.text == "[MASK]");
    token.strip_right =
        phi3 && token.text != "<unk>" && token.text != "<s>" && token.text != "<|endoftext|>";
  }
}

}  // namespace

std::vector<std::string> read_texts(const Metadata& metadata) {
  const std::span<const std::string> tokens = metadata.get_strings(kTokens);
  std::vector<std::string> texts(tokens.begin(), tokens.end());
  for (size_t id = 0; id < texts.size(); ++id) {
    if (texts[id].empty()) texts[id] = "[EMPTY_" + std::to_string(id) + "]";
  }
  return texts;
}

std::vector<TokenKind> read_kinds(const Metadata& metadata, std::span<const std::string> texts) {
  std::span<const int64_t> types;
  if (metadata.contains(kTypes)) types = metadata.get_ints(kTypes);
  if (!types.empty() && types.size() != texts.size()) {
    throw Error(ErrorCode::kBadFile, metadata.where(),
                "has " + std::to_string(texts.size()) + " tokens but " +
                    std::to_string(types.size()) + " token types");
  }
  const EndTexts except = exceptions(texts);
  std::vector<TokenKind> kinds(texts.size(), TokenKind::kNormal);
  for (size_t id = 0; id < texts.size(); ++id) {
    // Anything else stands for a token that is never made nor shown.
    if (!types.empty())
      kinds[id] =
          types[id] >= 1 && types[id] <= 6 ? static_cast<TokenKind>(types[id]) : TokenKind::kUnused;
    if (ends_answer(texts[id], except)) {
      kinds[id] = TokenKind::kControl;
    } else if (is_one_of(texts[id], kShownTexts) ||
               (texts[id] == "<|end|>" && except.without_end)) {
      kinds[id] = TokenKind::kUserDefined;
    }
  }
  return kinds;
}

std::vector<AddedToken> find_added_tokens(const Metadata& metadata,
                                          std::span<const std::string> texts,
                                          std::span<const TokenKind> kinds) {
  std::vector<AddedToken> added;
  for (size_t id = 0; id < texts.size(); ++id) {
    const TokenKind kind = kinds[id];
    if (kind != TokenKind::kControl && kind != TokenKind::kUnknown &&
        kind != TokenKind::kUserDefined)
      continue;
    AddedToken token;
    token.id = static_cast<int32_t>(id);
    token.text = texts[id];
    token.special = kind != TokenKind::kUserDefined;
    added.push_back(std::move(token));
  }
  set_strip_rules(metadata, added);
  return added;
}

int32_t read_id(const Metadata& metadata, const char* key, int32_t fallback, size_t vocab_size) {
  const int64_t id = metadata.get_int(key, -1);
  if (id == -1 || id == 0xFFFFFFFF)
    return static_cast<size_t>(fallback) < vocab_size ? fallback : -1;
  if (id < 0 || static_cast<uint64_t>(id) >= vocab_size) {
    throw Error(ErrorCode::kBadFile, metadata.where(),
                "the key '" + std::string(key) + "' holds " + std::to_string(id) +
                    ", outside the vocabulary of " + std::to_string(vocab_size));
  }
  return static_cast<int32_t>(id);
}

std::vector<int32_t> find_end_ids(const Metadata& metadata, std::span<const std::string> texts,
                                  int32_t end_id) {
  std::vector<int32_t> ids;
  const auto add = [&](int32_t id) {
    if (id >= 0 && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  add(end_id);
  for (const char* key : {kTurnEnd, kMessageEnd}) add(read_id(metadata, key, -1, texts.size()));
  const EndTexts except = exceptions(texts);
  for (size_t id = 0; id < texts.size() && ids.size() < 64; ++id) {
    if (ends_answer(texts[id], except)) add(static_cast<int32_t>(id));
  }
  return ids;
}

}  // namespace onmal::gguf_tokenizer
