#include "tokenizer/text_pipeline.h"

namespace onmal {

TextPipeline::TextPipeline(TextRules rules, Pretokenizer pretokenizer)
    : rules_(std::move(rules)), pretokenizer_(std::move(pretokenizer)) {
  std::vector<AddedToken> raw;
  std::vector<AddedToken> normalized;
  for (const AddedToken& token : rules_.added) {
    if (token.normalized && !rules_.normalizer.empty()) {
      normalized.push_back(token);
      normalized.back().text = rules_.normalizer.apply(token.text);
    } else if (token.normalized) {
      normalized.push_back(token);
    } else {
      raw.push_back(token);
    }
  }
  raw_ = AddedTokens(std::move(raw), rules_.order);
  normalized_ = AddedTokens(std::move(normalized), rules_.order);
}

void TextPipeline::encode(std::string_view text, const EncodeOptions& options,
                          EncodeStretch encode_stretch, std::vector<int32_t>& ids) const {
  if (options.add_special) ids.insert(ids.end(), rules_.prefix.begin(), rules_.prefix.end());
  const auto add_token = [&](int32_t id) { ids.push_back(id); };
  const auto add_stretch = [&](std::string_view stretch) { encode_stretch(stretch, ids); };
  const auto add_plain = [&](std::string_view plain) {
    const bool at_begin = plain.data() == text.data();
    std::string changed;
    std::string_view normal = plain;
    if (!rules_.normalizer.empty()) {
      changed = rules_.normalizer.apply(plain);
      normal = changed;
    }
    const auto cut = [&](std::string_view part) {
      pretokenizer_.cut(part, at_begin && part.data() == normal.data(), add_stretch);
    };
    normalized_.split(normal, options.parse_special, cut, add_token);
  };
  raw_.split(text, options.parse_special, add_plain, add_token);
  if (options.add_special) ids.insert(ids.end(), rules_.suffix.begin(), rules_.suffix.end());
}

}  // namespace onmal
