#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "tokenizer/split_step.h"

namespace onmal {

// Cuts text into the stretches that a subword model works within. Bytes that are not UTF-8 count as
// "other" characters. Takes time linear in the text for every named pre-tokenizer.
class Pretokenizer {
 public:
  // One stretch: all of the text.
  Pretokenizer() = default;
  // One of names() or another name that GGUF's tokenizer.ggml.pre knows for it. Throws
  // Error(kUnsupported) for any other.
  explicit Pretokenizer(std::string_view name);
  // Steps of a tokenizer.json.
  explicit Pretokenizer(SplitSteps steps) : steps_(std::move(steps)) {}

  // "" when made from steps.
  const std::string& name() const { return name_; }

  // Calls piece(stretch) from left to right. `at_text_begin`: nothing stands before `text`.
  void cut(std::string_view text, bool at_text_begin,
           FunctionRef<void(std::string_view)> piece) const;
  // The same for a named one, as places: its stretches cover `text`.
  void split(std::string_view text, FunctionRef<void(size_t begin, size_t end)> piece) const;

  // The patterns as Hugging Face's tokenizer.json wants them, to be applied one after the other;
  // empty when there is no such form.
  std::vector<std::string> patterns() const;
  // The name whose patterns are these; "" when none has them.
  static std::string name_of_patterns(const std::vector<std::string>& patterns);
  // Names without their aliases.
  static std::vector<std::string> names();

 private:
  std::string name_;
  std::shared_ptr<const Scanner> scanner_;  // set when it is all there is to do
  SplitSteps steps_;
};

}  // namespace onmal
