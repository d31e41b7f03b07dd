#pragma once

#include <string>
#include <vector>

#include "tokenizer/json_reading.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/split_step.h"

namespace onmal {

// "normalizer" of a tokenizer.json.
struct JsonNormalizer {
  Normalizer normalizer;
  bool byte_level = false;  // text reaches the pre-tokenizer in GPT-2's alphabet
  bool lowercase = false;   // of a BertNormalizer
  bool strip_accents = false;
  bool add_prefix = false;  // prepends U+2581
  std::shared_ptr<const Charsmap> charsmap;
};
JsonNormalizer read_json_normalizer(const json_reading::Json& document, const std::string& where);

// "pre_tokenizer" of a tokenizer.json.
struct JsonPretokenizer {
  SplitSteps steps;
  bool byte_level = false;  // bytes are written in GPT-2's alphabet somewhere
  bool mapped = false;      // … before the last step, so that stretches come out written so
  bool add_prefix = false;  // a Metaspace puts a space before the text
  // When it is nothing but patterns, each isolating its matches, and the alphabet at the end.
  bool plain = true;
  std::vector<std::string> patterns;
};
JsonPretokenizer read_json_pretokenizer(const json_reading::Json& document,
                                        const std::string& where);

}  // namespace onmal
