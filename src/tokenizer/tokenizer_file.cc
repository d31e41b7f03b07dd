#include "tokenizer/tokenizer_file.h"

#include "tokenizer/pipeline_tokenizer.h"
#include "tokenizer/sentencepiece_file.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {

std::unique_ptr<Tokenizer> load_tokenizer_file(const std::filesystem::path& path) {
  if (path.extension() == ".model") return load_sentencepiece(path);
  return load_any_tokenizer_json(path);
}

std::string tokenizer_json_of(const Tokenizer& tokenizer) {
  if (const auto* bpe = dynamic_cast<const BpeTokenizer*>(&tokenizer))
    return write_tokenizer_json(bpe->definition());
  const auto* pipeline = dynamic_cast<const PipelineTokenizer*>(&tokenizer);
  return pipeline == nullptr ? std::string() : pipeline->definition().hugging_face_json;
}

}  // namespace onmal
