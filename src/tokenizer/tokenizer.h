#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

struct EncodeOptions {
  bool add_special = false;    // the tokens a model wants around every text (bos)
  bool parse_special = false;  // texts such as "<|im_end|>" become their special tokens
};

// Text to token ids and back. Thread-safe: const everywhere. Arbitrary bytes survive encode +
// decode.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual int64_t vocab_size() const = 0;
  virtual std::vector<int32_t> encode(std::string_view text,
                                      const EncodeOptions& options = {}) const = 0;
  // The bytes a token stands for; a special token's text. Throws Error(kInvalidArgument) for an
  // unknown id.
  virtual std::string_view piece(int32_t id) const = 0;
  virtual bool is_special(int32_t id) const = 0;
  // The id whose piece is exactly `text`; -1 when there is none.
  virtual int32_t find(std::string_view text) const = 0;

  virtual int32_t begin_id() const = 0;  // -1: none
  virtual int32_t end_id() const = 0;    // ends a document

  // The text of a whole sequence: its pieces, without the space that encoding has put in front.
  virtual std::string decode(std::span<const int32_t> ids) const {
    std::string text;
    for (const int32_t id : ids) text += piece(id);
    return text;
  }
};

}  // namespace onmal
