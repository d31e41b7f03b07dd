#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// What stands around a subword model, whatever the model.
struct TextRules {
  std::vector<AddedToken> added;
  AddedOrder order = AddedOrder::kLongest;
  Normalizer normalizer;
  std::vector<int32_t> prefix;  // around every text, when asked for
  std::vector<int32_t> suffix;
};

// Text to stretches: added tokens are cut out, what lies between them is normalised and cut by the
// pre-tokenizer.
class TextPipeline {
 public:
  TextPipeline() = default;
  TextPipeline(TextRules rules, Pretokenizer pretokenizer);

  using EncodeStretch = FunctionRef<void(std::string_view stretch, std::vector<int32_t>& ids)>;
  // Appends ids; `encode_stretch` is called for each stretch.
  void encode(std::string_view text, const EncodeOptions& options, EncodeStretch encode_stretch,
              std::vector<int32_t>& ids) const;

  const TextRules& rules() const { return rules_; }
  const Pretokenizer& pretokenizer() const { return pretokenizer_; }

 private:
  TextRules rules_;
  Pretokenizer pretokenizer_;
  AddedTokens raw_;         // looked for in the text as it is
  AddedTokens normalized_;  // looked for after normalisation
};

}  // namespace onmal
