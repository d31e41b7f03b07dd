// Models trained and texts encoded by SentencePiece 0.1.97.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "tokenizer/sentencepiece_file.h"

namespace onmal {
namespace {

using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> load(const std::string& name) {
  return load_sentencepiece(ONMAL_SOURCE_DIR "/fuzz/corpus/sentencepiece_fuzz/" + name);
}

struct Sample {
  const char* text;
  Ids ids;
};

void expect_ids(const Tokenizer& tokenizer, const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) {
    EXPECT_EQ(tokenizer.encode(sample.text), sample.ids) << sample.text;
    EXPECT_EQ(tokenizer.decode(sample.ids), sample.text);
  }
}

TEST(SentencePieceTest, UnigramGivesItsIds) {
  expect_ids(*load("unigram.model"),
             {{"안녕하세요 오늘은",
               {261, 723, 240, 138, 154, 601, 718, 645, 261, 731, 240, 143, 157, 281}},
              {"Hello  world ", {261, 77, 272, 585, 309, 261, 306, 506, 525, 261}},
              {"<tool>x 한국", {261, 3, 627, 261, 4}},
              {"🙂 é", {261, 245, 164, 158, 135, 261, 200, 174}},
              {"", {}}});
}

TEST(SentencePieceTest, BpeGivesItsIds) {
  expect_ids(
      *load("bpe.model"),
      {{"안녕하세요 오늘은", {892, 1142, 241, 139, 155, 938, 1135, 1154, 663, 241, 144, 158, 925}},
       {"Hello  world ", {892, 78, 893, 296, 896, 892, 267, 281, 425, 892}},
       {"<tool>x 한국", {892, 3, 971, 892, 4}},
       {"🙂 é", {892, 246, 165, 159, 136, 892, 201, 175}},
       {"", {}}});
}

// A folder with unigram.model (1000 pieces) as its tokenizer.model.
std::filesystem::path folder_with(const std::string& name, const std::string& config) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / name;
  std::filesystem::create_directories(folder);
  write_file(folder / "tokenizer.model",
             read_file(ONMAL_SOURCE_DIR "/fuzz/corpus/sentencepiece_fuzz/unigram.model"));
  write_file(folder / "tokenizer_config.json", config);
  return folder / "tokenizer.model";
}

TEST(SentencePieceTest, FoldersAddTokensAndWhatStandsAroundTexts) {
  const auto plain = load("unigram.model");
  const auto count = static_cast<int32_t>(plain->vocab_size());
  const auto tokenizer = load_sentencepiece(folder_with(
      "added_tokens", R"({"tokenizer_class": "LlamaTokenizer", "added_tokens_decoder": {")" +
                          std::to_string(count + 1) +
                          R"(": {"content": "<|turn|>", "special": true, "rstrip": true}}})"));
  EXPECT_EQ(tokenizer->vocab_size(), count + 2);
  EXPECT_EQ(tokenizer->find("<|turn|>"), count + 1);
  EXPECT_TRUE(tokenizer->is_special(count + 1));
  Ids want = plain->encode("안녕");
  want.insert(want.begin(), {plain->begin_id(), count + 1});
  EXPECT_EQ(tokenizer->encode("<|turn|>  안녕", {.add_special = true, .parse_special = true}),
            want);
  // As text, the same as without the folder.
  EXPECT_EQ(tokenizer->encode("<|turn|> 안녕"), plain->encode("<|turn|> 안녕"));
}

TEST(SentencePieceTest, DamagedFoldersAreErrors) {
  for (const char* config :
       {"[]", "{", R"({"added_tokens_decoder": 3})", R"({"added_tokens_decoder": {"x": {}}})",
        R"({"added_tokens_decoder": {"5": {"content": ""}}})", R"({"add_bos_token": "yes"})",
        R"({"added_tokens_decoder": {"99999999": {"content": "a"}}})",
        R"({"added_tokens_decoder": {"-2": {"content": "a"}}})"})
    EXPECT_THROW(load_sentencepiece(folder_with("damaged_folder", config)), Error) << config;
}

TEST(SentencePieceTest, AnyBytesSurvive) {
  for (const char* name : {"unigram.model", "bpe.model"}) {
    const auto tokenizer = load(name);
    Rng rng(3);
    for (int round = 0; round < 1000; ++round) {
      std::string text(rng.below(40), '\0');
      for (char& c : text) c = static_cast<char>(rng.below(round % 2 == 0 ? 256 : 128));
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << name;
    }
  }
}

TEST(SentencePieceTest, ALongLineWithoutSpacesTakesLinearTime) {
  std::string text;
  while (text.size() < (size_t{1} << 20)) text += "가나다라abc";
  for (const char* name : {"unigram.model", "bpe.model"}) {
    const auto tokenizer = load(name);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
}

TEST(SentencePieceTest, CutFilesAreErrors) {
  const std::string bytes =
      read_file(ONMAL_SOURCE_DIR "/fuzz/corpus/sentencepiece_fuzz/unigram.model");
  EXPECT_THROW(parse_sentencepiece("", "test"), Error);
  EXPECT_THROW(parse_sentencepiece(bytes.substr(0, 5), "test"), Error);
  EXPECT_THROW(parse_sentencepiece(bytes.substr(0, bytes.size() - 1), "test"), Error);
}

}  // namespace
}  // namespace onmal
