// tokenizer_bench TOKENIZER FILE...: for each text, encoding speed on one thread (median of 5 after
// one to warm up) and how many tokens it takes, as JSON lines; last a line of 10 MB without a
// space.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/timer.h"
#include "text/hangul.h"
#include "tokenizer/tokenizer_json.h"

namespace {

void measure(const onmal::BpeTokenizer& tokenizer, const std::string& name,
             const std::string& text) {
  std::vector<double> seconds;
  std::vector<int32_t> ids;
  for (int round = 0; round < 6; ++round) {
    onmal::BpeEncoder encoder(tokenizer);
    ids.clear();
    const onmal::Timer timer;
    encoder.encode(text, ids);
    if (round > 0) seconds.push_back(timer.seconds());
  }
  std::sort(seconds.begin(), seconds.end());
  const auto bytes = static_cast<double>(text.size());
  const auto tokens = static_cast<double>(ids.size());
  const size_t syllables = onmal::count_hangul_syllables(text);
  std::printf(
      "{\"text\": \"%s\", \"bytes\": %zu, \"tokens\": %zu, \"mb_per_s\": %.1f, "
      "\"bytes_per_token\": %.3f, "
      "\"tokens_per_syllable\": %.3f}\n",
      name.c_str(), text.size(), ids.size(), bytes / 1e6 / seconds[2], bytes / tokens,
      syllables > 0 ? tokens / static_cast<double>(syllables) : 0.0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: tokenizer_bench TOKENIZER FILE...\n");
    return 2;
  }
  try {
    const auto tokenizer = onmal::load_tokenizer_json(argv[1]);
    for (int i = 2; i < argc; ++i) measure(*tokenizer, argv[i], onmal::read_file(argv[i]));
    std::string line;
    for (const char c : onmal::read_file(argv[2])) {
      if (static_cast<unsigned char>(c) > ' ' && line.size() < 10000000) line += c;
    }
    while (line.size() < 10000000) line += line.substr(0, 10000000 - line.size());
    measure(*tokenizer, "10 MB without a space", line);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tokenizer_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
