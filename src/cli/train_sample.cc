#include "cli/train_sample.h"

#include "base/thread_pool.h"
#include "infer/generator.h"

namespace onmal {

std::string sample_text(LanguageModel& model, const std::string& prompt) {
  constexpr int64_t kTokens = 48;
  constexpr int64_t kContext = 256;
  ThreadPool pool;
  GeneratorOptions options;
  options.context = kContext;
  Generator generator(model, pool, options);
  GenerateOptions generate;
  generate.max_tokens = kTokens;
  generate.sampler.temperature = 0.0F;
  EncodeOptions encode;
  encode.parse_special = true;
  return generator
      .generate(model.tokenizer->encode(prompt, encode), generate, [](std::string_view) {})
      .text;
}

}  // namespace onmal
