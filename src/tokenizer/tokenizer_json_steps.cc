#include "tokenizer/tokenizer_json_steps.h"

#include "text/oniguruma_pattern.h"
#include "text/utf8.h"
#include "tokenizer/marked_space.h"

namespace onmal {
namespace {

using namespace json_reading;

// \w+|[^\w\s]+ with the joiners among the word characters, as this one step has them.
constexpr std::string_view kWordsAndOthers =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+)"
    R"(|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}\p{wspace}]+)";

// The leaves of a tree of "Sequence" nodes, in order.
void flatten(const Json& node, const char* list, std::vector<const Json*>& leaves,
             const std::string& where) {
  if (text_of(node, "type", where) != "Sequence") {
    leaves.push_back(&node);
    return;
  }
  const Json& parts = member(node, list, where);
  if (!parts.is_array()) refuse(where, std::string("'") + list + "' is not a list");
  for (const Json& part : parts) flatten(part, list, leaves, where);
}

std::string decode_base64(const std::string& text, const std::string& where) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (c == '=') break;
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) refuse(where, "a character map is not base64");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return bytes;
}

// {"String": text} or {"Regex": pattern}.
std::unique_ptr<Matcher> read_matcher(const Json& node, const std::string& where) {
  const Json& pattern = member(node, "pattern", where);
  if (pattern.is_string()) return match_text(pattern.get<std::string>());
  if (is_given(pattern, "String")) return match_text(text_of(pattern, "String", where));
  const std::string regex = text_of(pattern, "Regex", where);
  if (regex == R"(\d{1,3}(?=(?:\d{3})*\b))") return match_digits_from_right();
  return match_pattern(Pattern(translate_oniguruma(regex, where), where));
}

std::shared_ptr<const NormalizerStep> read_bert(const Json& node, JsonNormalizer& result,
                                                const std::string& where) {
  BertNormalizerOptions options;
  options.clean_text = flag_or(node, "clean_text", true, where);
  options.handle_chinese_chars = flag_or(node, "handle_chinese_chars", true, where);
  options.lowercase = flag_or(node, "lowercase", true, where);
  options.strip_accents = flag_or(node, "strip_accents", options.lowercase, where);
  result.lowercase = options.lowercase;
  result.strip_accents = options.strip_accents;
  return normalize_bert(options);
}

void read_normalizer_step(const Json& node, JsonNormalizer& result, const std::string& where) {
  const std::string type = text_of(node, "type", where);
  Normalizer& out = result.normalizer;
  if (type == "NFC") return out.add(normalize_form(NormalForm::kNfc));
  if (type == "NFD") return out.add(normalize_form(NormalForm::kNfd));
  if (type == "NFKC") return out.add(normalize_form(NormalForm::kNfkc));
  if (type == "NFKD") return out.add(normalize_form(NormalForm::kNfkd));
  if (type == "Lowercase") return out.add(normalize_lowercase());
  if (type == "StripAccents") return out.add(normalize_strip_accents());
  if (type == "Nmt") return out.add(normalize_nmt());
  if (type == "BertNormalizer") return out.add(read_bert(node, result, where));
  if (type == "Strip") {
    return out.add(normalize_strip(flag_or(node, "strip_left", true, where),
                                   flag_or(node, "strip_right", true, where)));
  }
  if (type == "Replace") {
    return out.add(normalize_replace(read_matcher(node, where), text_of(node, "content", where)));
  }
  if (type == "Prepend") {
    const std::string text = text_of(node, "prepend", where);
    result.add_prefix = result.add_prefix || text == kMarkedSpace;
    return out.add(normalize_prepend(text));
  }
  if (type == "Precompiled") {
    const std::string blob = decode_base64(text_or(node, "precompiled_charsmap", "", where), where);
    if (blob.empty()) return;
    result.charsmap = std::make_shared<Charsmap>(blob, where);
    return out.add(normalize_charsmap(result.charsmap));
  }
  if (type == "ByteLevel") {
    result.byte_level = true;
    return out.add(normalize_byte_level());
  }
  unsupported(where, "unknown normaliser '" + type + "'");
}

SplitBehavior read_behavior(const Json& node, const std::string& fallback,
                            const std::string& where) {
  const std::string name = text_or(node, "behavior", fallback, where);
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  unsupported(where, "unknown split behaviour '" + name + "'");
}

bool is_bert_punctuation(uint32_t code) {
  return (code < 0x80 && (is_punctuation(code) || is_symbol(code))) || is_punctuation(code);
}

std::shared_ptr<const SplitStep> isolate(bool (*is_match)(uint32_t)) {
  return split_by(match_characters(is_match), SplitBehavior::kIsolated);
}

std::shared_ptr<const SplitStep> remove(bool (*is_match)(uint32_t)) {
  return split_by(match_characters(is_match), SplitBehavior::kRemoved);
}

void read_byte_level(const Json& node, bool last, JsonPretokenizer& result,
                     const std::string& where) {
  result.byte_level = true;
  if (flag_or(node, "add_prefix_space", true, where)) {
    result.steps.push_back(prepend_space());
    result.plain = false;
  }
  if (flag_or(node, "use_regex", true, where)) {
    result.steps.push_back(split_by_scanner("gpt-2"));
    result.patterns.push_back(Scanner("gpt-2").patterns()[0]);
  }
  if (last) return;
  result.steps.push_back(write_byte_level());
  result.mapped = true;
  result.plain = false;
}

std::shared_ptr<const SplitStep> read_metaspace(const Json& node, JsonPretokenizer& result,
                                                const std::string& where) {
  const bool legacy = flag_or(node, "add_prefix_space", true, where);
  const std::string name = text_or(node, "prepend_scheme", legacy ? "always" : "never", where);
  PrependScheme scheme = PrependScheme::kNever;
  if (name == "always") scheme = PrependScheme::kAlways;
  if (name == "first") scheme = PrependScheme::kFirst;
  result.add_prefix = scheme != PrependScheme::kNever;
  return metaspace(text_or(node, "replacement", std::string(kMarkedSpace), where), scheme,
                   flag_or(node, "split", true, where));
}

void read_split(const Json& node, JsonPretokenizer& result, const std::string& where) {
  const SplitBehavior behavior = read_behavior(node, "Isolated", where);
  const bool invert = flag_or(node, "invert", false, where);
  const Json& pattern = member(node, "pattern", where);
  const bool regex = is_given(pattern, "Regex");
  if (regex) result.patterns.push_back(text_of(pattern, "Regex", where));
  if (!regex || behavior != SplitBehavior::kIsolated || invert) result.plain = false;
  result.steps.push_back(split_by(read_matcher(node, where), behavior, invert));
}

void read_pretokenizer_step(const Json& node, bool last, JsonPretokenizer& result,
                            const std::string& where) {
  const std::string type = text_of(node, "type", where);
  if (type == "ByteLevel") return read_byte_level(node, last, result, where);
  if (type == "Split") return read_split(node, result, where);
  result.plain = false;
  SplitSteps& out = result.steps;
  if (type == "BertPreTokenizer") {
    out.push_back(remove(is_white_space));
    out.push_back(isolate(is_bert_punctuation));
  } else if (type == "Whitespace") {
    out.push_back(
        split_by(match_pattern(Pattern(kWordsAndOthers, where)), SplitBehavior::kRemoved, true));
  } else if (type == "WhitespaceSplit") {
    out.push_back(remove(is_white_space));
  } else if (type == "Punctuation") {
    out.push_back(
        split_by(match_characters(is_bert_punctuation), read_behavior(node, "Isolated", where)));
  } else if (type == "Digits") {
    const bool each = flag_or(node, "individual_digits", false, where);
    out.push_back(split_by(match_characters(is_number),
                           each ? SplitBehavior::kIsolated : SplitBehavior::kContiguous));
  } else if (type == "Metaspace") {
    out.push_back(read_metaspace(node, result, where));
  } else if (type == "CharDelimiterSplit") {
    out.push_back(split_by(match_text(text_of(node, "delimiter", where)), SplitBehavior::kRemoved));
  } else if (type == "UnicodeScripts") {
    out.push_back(split_by_script());
  } else if (type == "FixedLength") {
    const int64_t length = integer_or(node, "length", 5, where);
    if (length < 1) refuse(where, "a stretch length is not positive");
    out.push_back(split_by_length(static_cast<size_t>(length)));
  } else {
    unsupported(where, "unknown pre-tokenizer '" + type + "'");
  }
}

}  // namespace

JsonNormalizer read_json_normalizer(const Json& document, const std::string& where) {
  JsonNormalizer result;
  if (!is_given(document, "normalizer")) return result;
  std::vector<const Json*> leaves;
  flatten(document["normalizer"], "normalizers", leaves, where);
  for (const Json* leaf : leaves) read_normalizer_step(*leaf, result, where);
  return result;
}

JsonPretokenizer read_json_pretokenizer(const Json& document, const std::string& where) {
  JsonPretokenizer result;
  if (!is_given(document, "pre_tokenizer")) return result;
  std::vector<const Json*> leaves;
  flatten(document["pre_tokenizer"], "pretokenizers", leaves, where);
  for (size_t i = 0; i < leaves.size(); ++i)
    read_pretokenizer_step(*leaves[i], i + 1 == leaves.size(), result, where);
  return result;
}

}  // namespace onmal
