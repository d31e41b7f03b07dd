#include "text/utf8.h"
#include "tokenizer/marked_space.h"
#include "tokenizer/normalizer.h"

namespace onmal {
namespace {

class SentencePieceStep : public NormalizerStep {
 public:
  SentencePieceStep(std::shared_ptr<const Charsmap> charsmap, SpaceOptions spaces, TokenTrie kept)
      : charsmap_(std::move(charsmap)),
        spaces_(spaces),
        kept_(std::move(kept)),
        space_(spaces.escape ? kMarkedSpace : " ") {}

  std::string apply(std::string_view text) const override {
    return spaces_.like_llama_cpp ? apply_llama_cpp(text) : apply_original(text);
  }

 private:
  // What `text` begins with and what that becomes.
  Charsmap::Match next(std::string_view text) const {
    int32_t node = 0;
    size_t longest = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      node = kept_.step(node, static_cast<uint8_t>(text[i]));
      if (node == TokenTrie::kNone) break;
      if (kept_.value(node) != TokenTrie::kNone) longest = i + 1;
    }
    if (longest > 0) return {longest, text.substr(0, longest)};
    if (charsmap_ != nullptr) {
      const Charsmap::Match match = charsmap_->longest(text);
      if (match.length > 0) return match;
    }
    const Utf8Char c = read_utf8(text, 0);
    // Invalid bytes are kept where SentencePiece puts U+FFFD: with byte tokens they survive.
    return {c.length, text.substr(0, c.length)};
  }

  std::string apply_llama_cpp(std::string_view text) const {
    std::string result;
    result.reserve(text.size() + text.size() / 2);
    const bool prepend = spaces_.add_prefix && !spaces_.as_suffix;
    bool prepended = false;
    bool in_word = false;
    while (!text.empty()) {
      const Charsmap::Match match = next(text);
      for (const char c : match.replacement) {
        if (c == ' ') {
          in_word = false;
          if (!spaces_.remove_extra) result.append(space_);
          continue;
        }
        if (!in_word && ((prepend && !prepended) || spaces_.remove_extra)) {
          result.append(space_);
          prepended = true;
        }
        in_word = true;
        result.push_back(c);
      }
      text.remove_prefix(match.length);
    }
    if (spaces_.add_prefix && spaces_.as_suffix) result.append(space_);
    return result;
  }

  std::string apply_original(std::string_view text) const {
    std::string result;
    if (spaces_.remove_extra) {
      while (!text.empty()) {
        const Charsmap::Match match = next(text);
        if (match.replacement != " ") break;
        text.remove_prefix(match.length);
      }
    }
    if (text.empty()) return result;
    result.reserve(text.size() + text.size() / 2);
    if (spaces_.add_prefix && !spaces_.as_suffix) result.append(space_);
    bool after_space = spaces_.remove_extra;
    while (!text.empty()) {
      const Charsmap::Match match = next(text);
      std::string_view piece = match.replacement;
      while (after_space && piece.starts_with(' ')) piece.remove_prefix(1);
      for (const char c : piece) {
        if (c == ' ') {
          result.append(space_);
        } else {
          result.push_back(c);
        }
      }
      if (!piece.empty()) after_space = spaces_.remove_extra && piece.ends_with(' ');
      text.remove_prefix(match.length);
    }
    if (spaces_.remove_extra) {
      while (result.ends_with(space_)) result.resize(result.size() - space_.size());
    }
    if (spaces_.add_prefix && spaces_.as_suffix) result.append(space_);
    return result;
  }

  std::shared_ptr<const Charsmap> charsmap_;
  SpaceOptions spaces_;
  TokenTrie kept_;
  std::string_view space_;
};

}  // namespace

std::shared_ptr<const NormalizerStep> normalize_sentencepiece(
    std::shared_ptr<const Charsmap> charsmap, SpaceOptions spaces, TokenTrie kept) {
  return std::make_shared<SentencePieceStep>(std::move(charsmap), spaces, std::move(kept));
}

}  // namespace onmal
