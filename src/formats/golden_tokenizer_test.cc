// Every golden tokenizer file gives exactly the ids of llama.cpp.
#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "formats/format_testing.h"
#include "formats/gguf.h"
#include "formats/gguf_tokenizer.h"

namespace onmal {
namespace {

std::string unzip(const std::filesystem::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  std::string text;
  std::array<char, 65536> buffer{};
  for (int got = 0; (got = gzread(file, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<size_t>(got));
  gzclose(file);
  return text;
}

std::shared_ptr<const Tokenizer> open(std::string_view bytes) {
  const GgufFile file(std::as_bytes(std::span(bytes)), "golden");
  return read_gguf_tokenizer(file.metadata()).tokenizer;
}

// Reads the tokenizer, and once more after writing it.
std::shared_ptr<const Tokenizer> written_and_read(const Tokenizer& tokenizer) {
  Metadata metadata("again");
  write_gguf_tokenizer(tokenizer, "", {}, metadata);
  return read_gguf_tokenizer(metadata).tokenizer;
}

std::vector<std::string> cut(const std::string& text, const std::string& at) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t found = text.find(at); found != std::string::npos; found = text.find(at, begin)) {
    parts.push_back(text.substr(begin, found - begin));
    begin = found + at.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

void expect_ids(const Tokenizer& tokenizer, const std::string& text,
                const std::vector<int32_t>& ids, const std::string& where) {
  EXPECT_EQ(tokenizer.encode(text), ids) << where << ": " << nlohmann::json(text).dump();
}

class GoldenTokenizerTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenTokenizerTest, VocabularyFilesGiveTheirIds) {
  const std::filesystem::path folder = golden_folder() / "tokenizers";
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder;
  const std::string name = GetParam();
  const std::string bytes = unzip(folder / ("ggml-vocab-" + name + ".gguf.gz"));
  const auto tokenizer = open(bytes);
  ASSERT_NE(tokenizer, nullptr);
  const auto again = written_and_read(*tokenizer);
  const auto texts =
      cut(read_file(folder / ("ggml-vocab-" + name + ".gguf.inp")), "\n__ggml_vocab_test__\n");
  const auto lines = cut(read_file(folder / ("ggml-vocab-" + name + ".gguf.out")), "\n");
  ASSERT_GE(lines.size(), texts.size());
  size_t compared = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i + 1 == texts.size() && texts[i].empty()) break;
    std::istringstream line(lines[i]);
    std::vector<int32_t> ids;
    for (int32_t id = 0; line >> id;) ids.push_back(id);
    expect_ids(*tokenizer, texts[i], ids, name);
    expect_ids(*again, texts[i], ids, name + " written again");
    ++compared;
  }
  const auto extra = nlohmann::json::parse(read_file(folder / (name + ".extra.json")));
  for (const auto& check : extra) {
    expect_ids(*tokenizer, check["text"], check["ids"], name);
    expect_ids(*again, check["text"], check["ids"], name + " written again");
    ++compared;
  }
  EXPECT_GT(compared, 80U);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTokenizerTest,
                         ::testing::Values("falcon", "bert-bge", "gpt-2", "deepseek-coder",
                                           "llama-spm"));

TEST(GoldenModelTokenizerTest, ModelsGiveTheirIds) {
  const std::filesystem::path folder = golden_folder();
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder;
  size_t models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const GgufFile file(entry.path());
    const auto tokenizer = read_gguf_tokenizer(file.metadata()).tokenizer;
    ASSERT_NE(tokenizer, nullptr) << entry.path();
    std::filesystem::path description = entry.path();
    description.replace_extension(".json");
    const auto checks = nlohmann::json::parse(read_file(description))["tokenizer_check"];
    for (const auto& check : checks)
      expect_ids(*tokenizer, check["text"], check["ids"], entry.path().filename());
    models += checks.empty() ? 0 : 1;
  }
  EXPECT_GE(models, 10U);
}

}  // namespace
}  // namespace onmal
