#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// The ids by which a message's content is to be encoded, instead of its text: those an answer was
// sampled as.
struct EncodedAnswer {
  size_t message;            // its index
  std::string_view content;  // as it was rendered from
  std::span<const int32_t> ids;
};

// Rendered chats to token ids. The contract:
// - Special tokens come only from the template's own text: a special token's text becomes that
//   token where every byte of it is the template's (RenderedChat::kTemplate). The same text inside
//   a message, a tool's description or a variable, or built half of one and half of the other, is
//   encoded as plain text, so nobody who writes messages can begin or end a turn.
// - Where no such text stands in the messages, the ids are those of Tokenizer::encode on the whole
//   text with parse_special, which is what the reference computes. Otherwise the text between
//   special tokens is encoded piece by piece.
// - The tokenizer's bos comes in front when it adds one to every text, unless the template wrote
//   it.
class ChatEncoder {
 public:
  explicit ChatEncoder(const Tokenizer& tokenizer);

  // With `cut_at_messages`, each message's content is encoded by itself. An answer's ids stand for
  // its content where the template shows that content whole and unchanged, once.
  std::vector<int32_t> encode(const RenderedChat& chat, bool cut_at_messages = false,
                              std::span<const EncodedAnswer> answers = {}) const;

  // The special token that follows the content of `message` (white space aside); -1 when none does.
  int32_t token_behind(const RenderedChat& chat, size_t message) const;

 private:
  struct Match {
    size_t begin;
    size_t end;
    int32_t id;
    bool operator==(const Match&) const = default;
  };

  // Special tokens from left to right, the longest first; with `trusted` only the template's.
  std::vector<Match> find_special(std::string_view text, std::span<const uint16_t> sources,
                                  bool trusted) const;
  void encode_part(std::string_view text, std::span<const uint16_t> sources,
                   std::vector<int32_t>& ids) const;

  const Tokenizer& tokenizer_;
  // By first byte, longest first.
  std::array<std::vector<std::pair<std::string, int32_t>>, 256> special_;
  std::vector<int32_t> prefix_;  // what the tokenizer puts before every text
};

}  // namespace onmal
