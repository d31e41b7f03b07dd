#include "tokenizer/normalizer.h"

#include "text/utf8.h"
#include "tokenizer/byte_level.h"

namespace onmal {
namespace {

template <typename Change>
class ChangeStep : public NormalizerStep {
 public:
  explicit ChangeStep(Change change) : change_(std::move(change)) {}
  std::string apply(std::string_view text) const override { return change_(text); }

 private:
  Change change_;
};

template <typename Change>
std::shared_ptr<const NormalizerStep> step(Change change) {
  return std::make_shared<ChangeStep<Change>>(std::move(change));
}

// Calls take(character, its bytes, result) for each character.
template <typename Take>
std::string by_character(std::string_view text, Take take) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    take(c, text.substr(i, c.length), result);
    i += c.length;
  }
  return result;
}

std::string_view strip(std::string_view text, bool left, bool right) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    if (!c.valid || !is_white_space(c.code)) {
      begin = std::min(begin, i);
      end = i + c.length;
    }
    i += c.length;
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

bool is_line_space(uint32_t code) { return code == '\t' || code == '\n' || code == '\r'; }

std::string clean_for_bert(std::string_view text) {
  return by_character(text, [](const Utf8Char& c, std::string_view bytes, std::string& result) {
    if (!c.valid) return;  // as the replacement character
    if (c.code == 0 || c.code == 0xFFFD || (is_control(c.code) && !is_line_space(c.code))) return;
    if (is_line_space(c.code) || is_white_space(c.code)) {
      result.push_back(' ');
    } else {
      result.append(bytes);
    }
  });
}

std::string space_ideographs(std::string_view text) {
  return by_character(text, [](const Utf8Char& c, std::string_view bytes, std::string& result) {
    const bool ideograph = c.valid && is_han_ideograph(c.code);
    if (ideograph) result.push_back(' ');
    result.append(bytes);
    if (ideograph) result.push_back(' ');
  });
}

std::string without(std::string_view text, bool (*unwanted)(uint32_t)) {
  return by_character(text, [=](const Utf8Char& c, std::string_view bytes, std::string& result) {
    if (!c.valid || !unwanted(c.code)) result.append(bytes);
  });
}

// As llama.cpp prepares text for WordPiece: words come out with single spaces between them.
std::string llama_cpp_bert(std::string_view text, bool strip_accents, bool lower) {
  std::string result;
  bool alone = true;  // what comes next begins a word
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    i += c.length;
    if (!c.valid) continue;
    const uint32_t code = strip_accents ? base_character(c.code) : c.code;
    if (is_white_space(code)) {
      alone = true;
      continue;
    }
    if (code == 0 || code == 0xFFFD || is_control(code) || (strip_accents && is_mark(code)))
      continue;
    const bool single =
        is_punctuation(code) || (code < 0x7F && is_symbol(code)) || is_han_ideograph(code);
    if ((alone || single) && !result.empty()) result.push_back(' ');
    append_utf8(lower ? simple_lowercase(code) : code, result);
    alone = single;
  }
  return result;
}

bool is_dropped_by_nmt(uint32_t code) {
  return (code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
         code == 0x8F || code == 0x9F;
}

bool is_space_for_nmt(uint32_t code) {
  return code == 9 || code == 0xA || code == 0xC || code == 0xD || code == 0x1680 ||
         (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 ||
         code == 0xFEFF || code == 0xFFFD;
}

// Replaces each stretch of `text` by the map's first hit in it; a cluster of characters is tried
// whole while it is short, else its characters one by one.
void map_cluster(const Charsmap& charsmap, std::string_view cluster, std::string& result) {
  constexpr size_t kLongestTriedWhole = 5;
  if (cluster.size() <= kLongestTriedWhole) {
    if (const Charsmap::Match match = charsmap.shortest(cluster); match.length > 0) {
      result.append(match.replacement);
      return;
    }
  }
  for (size_t i = 0; i < cluster.size();) {
    const std::string_view character = cluster.substr(i, read_utf8(cluster, i).length);
    const Charsmap::Match match = charsmap.shortest(character);
    result.append(match.length > 0 ? match.replacement : character);
    i += character.size();
  }
}

}  // namespace

std::shared_ptr<const NormalizerStep> normalize_form(NormalForm form) {
  return step([form](std::string_view text) { return normalize_unicode(text, form); });
}

std::shared_ptr<const NormalizerStep> normalize_lowercase() {
  return step([](std::string_view text) { return lowercase(text); });
}

std::shared_ptr<const NormalizerStep> normalize_strip(bool left, bool right) {
  return step([=](std::string_view text) { return std::string(strip(text, left, right)); });
}

std::shared_ptr<const NormalizerStep> normalize_strip_accents() {
  return step([](std::string_view text) { return without(text, is_mark); });
}

std::shared_ptr<const NormalizerStep> normalize_llama_cpp_bert(bool strip_accents, bool lower) {
  return step([=](std::string_view text) { return llama_cpp_bert(text, strip_accents, lower); });
}

std::shared_ptr<const NormalizerStep> normalize_replace(std::unique_ptr<Matcher> matcher,
                                                        std::string content) {
  return step([matcher = std::shared_ptr<const Matcher>(std::move(matcher)),
               content = std::move(content)](std::string_view text) {
    std::string result;
    size_t done = 0;
    matcher->find(text, false, [&](size_t begin, size_t end) {
      result.append(text.substr(done, begin - done)).append(content);
      done = end;
    });
    return result.append(text.substr(done));
  });
}

std::shared_ptr<const NormalizerStep> normalize_prepend(std::string content) {
  return step([content = std::move(content)](std::string_view text) {
    std::string result;
    if (!text.empty()) result.append(content).append(text);
    return result;
  });
}

std::shared_ptr<const NormalizerStep> normalize_bert(BertNormalizerOptions options) {
  return step([options](std::string_view text) {
    std::string result(text);
    if (options.clean_text) result = clean_for_bert(result);
    if (options.handle_chinese_chars) result = space_ideographs(result);
    if (options.strip_accents)
      result = without(normalize_unicode(result, NormalForm::kNfd), is_nonspacing_mark);
    if (options.lowercase) result = lowercase(result);
    return result;
  });
}

std::shared_ptr<const NormalizerStep> normalize_nmt() {
  return step([](std::string_view text) {
    return by_character(text, [](const Utf8Char& c, std::string_view bytes, std::string& result) {
      if (c.valid && is_dropped_by_nmt(c.code)) return;
      if (c.valid && is_space_for_nmt(c.code)) {
        result.push_back(' ');
      } else {
        result.append(bytes);
      }
    });
  });
}

std::shared_ptr<const NormalizerStep> normalize_byte_level() {
  return step(
      [alphabet = ByteLevelAlphabet()](std::string_view text) { return alphabet.write(text); });
}

std::shared_ptr<const NormalizerStep> normalize_charsmap(std::shared_ptr<const Charsmap> charsmap) {
  return step([charsmap = std::move(charsmap)](std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for_each_grapheme(text,
                      [&](std::string_view cluster) { map_cluster(*charsmap, cluster, result); });
    return result;
  });
}

std::shared_ptr<const NormalizerStep> normalize_spaces(bool add_prefix, bool escape) {
  return step([=](std::string_view text) {
    const std::string_view space = escape ? "\xE2\x96\x81" : " ";
    std::string result;
    result.reserve(text.size() + text.size() / 2);
    if (add_prefix && !text.empty()) result.append(space);
    for (const char c : text) {
      if (c == ' ') {
        result.append(space);
      } else {
        result.push_back(c);
      }
    }
    return result;
  });
}

}  // namespace onmal
