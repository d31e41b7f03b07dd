// constraint_bench VOCABULARY.gguf [TOKENS]: what holding answers to a JSON schema costs a token:
// microseconds of TokenMask (mask and step, without the model and the sampler), over random
// answers. TOKENS: pads the vocabulary with joined pairs of its tokens to that many.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/rng.h"
#include "base/timer.h"
#include "formats/gguf.h"
#include "formats/gguf_tokenizer.h"
#include "infer/json/json_constraint.h"

namespace {

using onmal::TextConstraint;
using onmal::Tokenizer;

class PaddedTokenizer : public Tokenizer {
 public:
  PaddedTokenizer(const Tokenizer& base, int64_t tokens) : base_(base) {
    onmal::Rng rng(1);
    std::unordered_set<std::string> known;
    const auto count = static_cast<uint64_t>(base.vocab_size());
    while (base.vocab_size() + static_cast<int64_t>(known.size()) < tokens) {
      std::string text(base.piece(static_cast<int32_t>(rng.below(count))));
      text += base.piece(static_cast<int32_t>(rng.below(count)));
      if (text.size() <= 16 && known.insert(text).second) added_.push_back(text);
    }
  }
  int64_t vocab_size() const override {
    return base_.vocab_size() + static_cast<int64_t>(added_.size());
  }
  std::vector<int32_t> encode(std::string_view text,
                              const onmal::EncodeOptions& options) const override {
    return base_.encode(text, options);
  }
  std::string_view piece(int32_t id) const override {
    return is_added(id) ? added_[static_cast<size_t>(id - base_.vocab_size())] : base_.piece(id);
  }
  bool is_special(int32_t id) const override { return !is_added(id) && base_.is_special(id); }
  int32_t find(std::string_view text) const override { return base_.find(text); }
  int32_t begin_id() const override { return base_.begin_id(); }
  int32_t end_id() const override { return base_.end_id(); }

 private:
  bool is_added(int32_t id) const { return id >= base_.vocab_size(); }
  const Tokenizer& base_;
  std::vector<std::string> added_;
};

void measure(const Tokenizer& tokenizer, const char* name, const char* schema) {
  onmal::Timer timer;
  const auto constraint = onmal::make_json_constraint(schema);
  const double compile = timer.seconds();
  timer.restart();
  const auto trie = std::make_shared<onmal::VocabularyTrie>(tokenizer, tokenizer.vocab_size());
  const double trie_seconds = timer.seconds();
  const std::vector<float> logits(static_cast<size_t>(tokenizer.vocab_size()), 1.0F);
  onmal::Rng rng(1);
  std::vector<double> times;
  for (int answer = 0; answer < 8; ++answer) {
    onmal::TokenMask mask(tokenizer, *constraint, tokenizer.vocab_size(), {}, trie);
    for (int64_t left = 200; left > 0; --left) {
      timer.restart();
      const std::span<const float> masked = mask.apply(logits, left);
      double seconds = timer.seconds();
      std::vector<int32_t> allowed;
      for (size_t id = 0; id < masked.size(); ++id) {
        if (std::isfinite(masked[id])) allowed.push_back(static_cast<int32_t>(id));
      }
      const int32_t id = allowed[rng.below(allowed.size())];
      timer.restart();
      mask.accept(id);
      const bool complete = mask.is_complete();
      seconds += timer.seconds();
      times.push_back(seconds);
      if (complete || tokenizer.is_special(id)) break;
    }
  }
  std::sort(times.begin(), times.end());
  double total = 0;
  for (const double seconds : times) total += seconds;
  const auto at = [&](double share) {
    return 1e6 * times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf(
      "{\"vocabulary\": %lld, \"schema\": \"%s\", \"compile_ms\": %.2f, \"trie_ms\": %.1f, "
      "\"tokens\": %zu, \"mean_us\": %.0f, \"median_us\": %.0f, \"p90_us\": %.0f, \"p99_us\": "
      "%.0f, "
      "\"most_us\": %.0f}\n",
      static_cast<long long>(tokenizer.vocab_size()), name, 1e3 * compile, 1e3 * trie_seconds,
      times.size(), 1e6 * total / static_cast<double>(times.size()), at(0.5), at(0.9), at(0.99),
      at(1.0));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: constraint_bench VOCABULARY.gguf [TOKENS]\n");
    return 2;
  }
  try {
    const onmal::GgufFile file(argv[1]);
    const auto base = onmal::read_gguf_tokenizer(file.metadata()).tokenizer;
    if (base == nullptr) throw std::runtime_error("the file has no tokenizer");
    const PaddedTokenizer tokenizer(*base, argc > 2 ? std::stoll(argv[2]) : 0);
    measure(
        tokenizer, "person",
        R"({"type":"object","properties":{"이름":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},"notes":{"type":"array","items":{"type":"string"}}},"required":["이름","age","notes"],"additionalProperties":false})");
    measure(tokenizer, "pattern",
            R"({"type":"array","items":{"type":"string","pattern":"^[가-힣 ]+$"}})");
    measure(tokenizer, "any object", R"({"type":"object"})");
    measure(
        tokenizer, "dates and numbers",
        R"({"type":"array","items":{"type":"object","properties":{"at":{"type":"string","format":"date-time"},"value":{"type":"number","minimum":-1,"maximum":1}},"required":["at","value"],"additionalProperties":false}})");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "constraint_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
