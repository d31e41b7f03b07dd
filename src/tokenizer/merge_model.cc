#include <unordered_map>

#include "base/error.h"
#include "text/utf8.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/unknown_text.h"

namespace onmal {
namespace {

class MergeModel : public SubwordModel {
 public:
  explicit MergeModel(const SubwordDefinition& definition)
      : texts_(definition.texts),
        merges_(definition.merges.size()),
        prefix_(definition.prefix),
        suffix_(definition.suffix),
        ignore_merges_(definition.ignore_merges),
        unknown_(definition) {
    for (size_t id = 0; id < texts_.size(); ++id) {
      if (definition.kinds[id] != TokenKind::kControl)
        ids_.emplace(texts_[id], static_cast<int32_t>(id));
    }
    for (size_t rank = 0; rank < definition.merges.size(); ++rank) {
      const auto& [left, right] = definition.merges[rank];
      merges_.insert(left, right, {static_cast<int32_t>(rank), merged_of(definition, rank)});
    }
  }

  void encode(std::string_view stretch, std::vector<int32_t>& ids) const override {
    if (ignore_merges_) {
      if (const auto found = ids_.find(stretch); found != ids_.end()) {
        ids.push_back(found->second);
        return;
      }
    }
    std::vector<int32_t> symbols;
    symbols.reserve(stretch.size());
    for (size_t at = 0; at < stretch.size();) {
      const size_t length = read_utf8(stretch, at).length;
      append_character(stretch, at, length, symbols);
      at += length;
    }
    apply_merges(merges_, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
  }

 private:
  int32_t merged_of(const SubwordDefinition& definition, size_t rank) const {
    if (!definition.merged.empty()) return definition.merged[rank];
    const auto& [left, right] = definition.merges[rank];
    std::string_view tail = texts_[static_cast<size_t>(right)];
    if (tail.starts_with(prefix_)) tail.remove_prefix(prefix_.size());
    const std::string joined = texts_[static_cast<size_t>(left)] + std::string(tail);
    const auto found = ids_.find(joined);
    if (found == ids_.end()) {
      throw Error(ErrorCode::kBadFile, "tokenizer",
                  "merge " + std::to_string(rank) +
                      " makes a token that is not in the vocabulary: '" + joined.substr(0, 100) +
                      "'");
    }
    return found->second;
  }

  void append_character(std::string_view stretch, size_t at, size_t length,
                        std::vector<int32_t>& symbols) const {
    std::string decorated;
    std::string_view text = stretch.substr(at, length);
    if ((at > 0 && !prefix_.empty()) || !suffix_.empty()) {
      decorated = (at > 0 ? prefix_ : "") + std::string(text) +
                  (at + length == stretch.size() ? suffix_ : "");
      text = decorated;
    }
    const auto found = ids_.find(text);
    if (found != ids_.end()) {
      symbols.push_back(found->second);
    } else {
      unknown_.append(text, 0, symbols);
    }
  }

  std::vector<std::string> texts_;
  std::unordered_map<std::string_view, int32_t> ids_;
  MergeTable merges_;
  std::string prefix_, suffix_;
  bool ignore_merges_;
  UnknownText unknown_;
};

}  // namespace

std::unique_ptr<SubwordModel> merge_model(const SubwordDefinition& definition) {
  return std::make_unique<MergeModel>(definition);
}

int byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  int value = 0;
  for (const char c : text.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

std::array<int32_t, 256> find_byte_tokens(const std::vector<std::string>& texts) {
  std::array<int32_t, 256> bytes{};
  bytes.fill(-1);
  for (size_t id = 0; id < texts.size(); ++id) {
    const int byte = byte_of_token(texts[id]);
    if (byte >= 0) bytes[static_cast<size_t>(byte)] = static_cast<int32_t>(id);
  }
  return bytes;
}

}  // namespace onmal
