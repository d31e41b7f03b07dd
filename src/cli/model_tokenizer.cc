#include "cli/model_tokenizer.h"

#include "base/error.h"
#include "formats/gguf_parts.h"
#include "formats/gguf_tokenizer.h"
#include "tokenizer/tokenizer_file.h"

namespace onmal {

std::shared_ptr<const Tokenizer> load_any_tokenizer(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    if (std::filesystem::exists(path / "tokenizer.json"))
      return load_tokenizer_file(path / "tokenizer.json");
    if (std::filesystem::exists(path / "tokenizer.model"))
      return load_tokenizer_file(path / "tokenizer.model");
    return load_any_tokenizer(find_gguf(path));
  }
  if (path.extension() == ".json" || path.extension() == ".model") return load_tokenizer_file(path);
  GgufTokenizer parts = read_gguf_tokenizer(GgufParts(path).metadata());
  if (parts.tokenizer == nullptr)
    throw Error(ErrorCode::kBadFile, path.string(), "carries no tokenizer");
  return std::move(parts.tokenizer);
}

}  // namespace onmal
