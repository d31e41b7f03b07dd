#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "corpus/pack.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal::testing {

// tokenizer.json and shards of the project's samples in `folder`; `source` is the project's folder.
inline void write_sample_data(const std::filesystem::path& source,
                              const std::filesystem::path& folder, int64_t vocab_size,
                              std::vector<std::string> special_tokens = {}) {
  BpeTrainOptions options;
  options.vocab_size = vocab_size;
  for (std::string& token : special_tokens) options.special_tokens.push_back(std::move(token));
  ThreadPool pool(1);
  BpeTrainer trainer(options);
  Corpus corpus;
  for (const char* name : {"ko.txt", "en.txt"}) {
    Source text;
    text.path = source / "samples" / name;
    trainer.feed(pool, read_file(text.path), name);
    corpus.texts.push_back(text);
  }
  const BpeDefinition definition = trainer.train();
  write_file(folder / "tokenizer.json", write_tokenizer_json(definition));
  pack_corpus(corpus, BpeTokenizer(definition), 200, folder);
}

}  // namespace onmal::testing
