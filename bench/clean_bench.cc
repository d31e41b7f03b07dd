// clean_bench FILE...: speed of each cleaning rule on one thread over the documents of a text (cut
// at line ends into pieces of about 4 KB), median of 5 after one to warm up, as JSON lines.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/timer.h"
#include "corpus/clean/language.h"
#include "corpus/clean/personal_data.h"
#include "corpus/clean/quality.h"
#include "corpus/decompress.h"

namespace {

using Documents = std::vector<std::string_view>;

Documents cut_documents(std::string_view text) {
  Documents documents;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', std::min(at + 4096, text.size())), text.size());
    end = std::min(end + 1, text.size());
    documents.push_back(text.substr(at, end - at));
    at = end;
  }
  return documents;
}

// `rule` gives how much it found, so that nothing is left out.
void measure(const char* file, const char* name, const Documents& documents,
             const std::function<size_t(std::string_view)>& rule) {
  std::vector<double> seconds;
  size_t bytes = 0, found = 0;
  for (int round = 0; round < 6; ++round) {
    bytes = found = 0;
    const onmal::Timer timer;
    for (const std::string_view document : documents) {
      bytes += document.size();
      found += rule(document);
    }
    if (round > 0) seconds.push_back(timer.seconds());
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf(
      "{\"text\": \"%s\", \"rule\": \"%s\", \"bytes\": %zu, \"documents\": %zu, \"found\": %zu, "
      "\"mb_per_s\": %.1f}\n",
      file, name, bytes, documents.size(), found, static_cast<double>(bytes) / 1e6 / seconds[2]);
}

void measure_all(const char* file) {
  const std::string text = onmal::read_unpacked(file);
  const Documents documents = cut_documents(std::string_view(text).substr(0, 20'000'000));
  onmal::QualityJudge judge;
  const auto language = [](std::string_view document) {
    return onmal::document_language(document).language == onmal::Language::kKorean ? size_t{1}
                                                                                   : size_t{0};
  };
  const auto quality = [&](std::string_view document) {
    const auto outcome = judge.judge(document, onmal::Language::kKorean);
    return outcome.cuts.size() + (outcome.dropped ? 1 : 0);
  };
  const auto personal = [](std::string_view document) {
    return onmal::find_personal_data(document).size();
  };
  measure(file, "language", documents, language);
  measure(file, "quality", documents, quality);
  measure(file, "personal_data", documents, personal);
  measure(file, "together", documents, [&](std::string_view document) {
    return language(document) + quality(document) + personal(document);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: clean_bench FILE...\n");
    return 2;
  }
  try {
    for (int i = 1; i < argc; ++i) measure_all(argv[i]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
