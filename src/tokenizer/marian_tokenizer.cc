#include "tokenizer/marian_tokenizer.h"

#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "tokenizer/json_reading.h"
#include "tokenizer/sentencepiece_file.h"

namespace onmal {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581
constexpr uint64_t kMostBytes = uint64_t{64} << 20;

std::string with_spaces(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(kSpace)) {
      result += ' ';
      at += kSpace.size();
    } else {
      result += text[at++];
    }
  }
  return result;
}

// The length of ">>fra<<" at the beginning of a text; 0 without one.
size_t language_code(std::string_view text) {
  if (!text.starts_with(">>")) return 0;
  const size_t end = text.find("<<", 3);
  return end == std::string_view::npos ? 0 : end + 2;
}

}  // namespace

MarianTokenizer::MarianTokenizer(std::unique_ptr<PipelineTokenizer> source,
                                 std::string_view vocabulary, const std::string& where)
    : source_(std::move(source)) {
  const json_reading::Json json = json_reading::parse_limited(vocabulary, where);
  if (!json.is_object() || json.empty()) json_reading::refuse(where, "is no object of pieces");
  pieces_.resize(json.size());
  for (const auto& [text, value] : json.items()) {
    const int32_t id = json_reading::id_of(value, "the id of '" + text + "'", where);
    if (static_cast<size_t>(id) >= pieces_.size() || !pieces_[static_cast<size_t>(id)].empty())
      json_reading::refuse(where, "its ids are not 0, 1, … each once");
    if (text.empty()) json_reading::refuse(where, "has an empty piece");
    pieces_[static_cast<size_t>(id)] = with_spaces(text);
    ids_.emplace(text, id);
  }
  end_id_ = find("</s>");
  unknown_id_ = find("<unk>");
  pad_id_ = find("<pad>");
  if (end_id_ < 0 || unknown_id_ < 0) json_reading::refuse(where, "has no </s> or no <unk>");
}

std::vector<int32_t> MarianTokenizer::encode(std::string_view text,
                                             const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  if (const size_t length = language_code(text); length > 0) {
    const int32_t code = find(text.substr(0, length));
    ids.push_back(code < 0 ? unknown_id_ : code);
    text.remove_prefix(length);
  }
  const std::vector<std::string>& texts = source_->definition().model.texts;
  for (const int32_t id : source_->encode(text)) {
    const auto found = ids_.find(texts[static_cast<size_t>(id)]);
    ids.push_back(found == ids_.end() ? unknown_id_ : found->second);
  }
  if (options.add_special) ids.push_back(end_id_);
  return ids;
}

std::string_view MarianTokenizer::piece(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer",
                "id " + std::to_string(id) + " is outside the vocabulary");
  }
  return pieces_[static_cast<size_t>(id)];
}

bool MarianTokenizer::is_special(int32_t id) const {
  return id >= 0 && (id == end_id_ || id == unknown_id_ || id == pad_id_);
}

int32_t MarianTokenizer::find(std::string_view text) const {
  const auto found = ids_.find(std::string(text));
  return found == ids_.end() ? -1 : found->second;
}

std::string MarianTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text = Tokenizer::decode(ids);
  if (text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::unique_ptr<Tokenizer> load_marian_tokenizer(const std::filesystem::path& folder) {
  const std::filesystem::path model = folder / "source.spm";
  std::unique_ptr<Tokenizer> any = load_sentencepiece(model);
  if (dynamic_cast<PipelineTokenizer*>(any.get()) == nullptr)
    json_reading::unsupported(model.string(), "is of a kind that Marian does not use");
  std::unique_ptr<PipelineTokenizer> source(static_cast<PipelineTokenizer*>(any.release()));
  const std::filesystem::path vocabulary = folder / "vocab.json";
  return std::make_unique<MarianTokenizer>(std::move(source), read_file(vocabulary, kMostBytes),
                                           vocabulary.string());
}

}  // namespace onmal
